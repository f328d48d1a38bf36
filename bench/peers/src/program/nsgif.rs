//! @cwasm/nsgif: GIF, compiled from C, with WASI imports that it does not use.

use anyhow::{Result, ensure};
use gif::{Encoder, Frame};

use super::{Program, Run, Task, allocate, call, digest, from_package, picture, place, read_u32};
use crate::engine::Machine;

const ALLOCATOR: &str = "malloc";

pub(super) fn decode() -> Result<Program> {
    from_package("gif decode", "@cwasm/nsgif/nsgif.wasm", Decode)
}

struct Decode;

impl Task for Decode {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        let file = encoded()?;
        let input = place(machine, ALLOCATOR, &file)?;
        let cells = allocate(machine, ALLOCATOR, 12)?;
        let arguments = [cells, cells + 4, cells + 8, input, file.len() as u32];
        Ok(Box::new(move |machine| {
            let error = call(machine, "decode_gif", &arguments)?;
            ensure!(error == 0, "nsgif's error {error}");
            let output = read_u32(machine, cells)?;
            let digest = digest(&machine.read(output, 4096)?);
            call(machine, "free", &[output])?;
            Ok(digest)
        }))
    }
}

/// The picture as a GIF of 256 grays.
fn encoded() -> Result<Vec<u8>> {
    let palette: Vec<u8> = (0..=255).flat_map(|gray| [gray, gray, gray]).collect();
    let mut file = Vec::new();
    let (width, height) = (picture::WIDTH as u16, picture::HEIGHT as u16);
    let mut encoder = Encoder::new(&mut file, width, height, &palette)?;
    encoder.write_frame(&Frame::from_indexed_pixels(width, height, picture::gray(), None))?;
    drop(encoder);
    Ok(file)
}
