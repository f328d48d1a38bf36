//! @cwasm/lodepng: PNG, compiled from C++.

use anyhow::{Result, ensure};

use super::{Program, Run, Task, allocate, call, digest, from_package, picture, place, read_u32};
use crate::engine::Machine;

const FILE: &str = "@cwasm/lodepng/lodepng.wasm";
const ALLOCATOR: &str = "malloc";

pub(super) fn all() -> Result<Vec<Program>> {
    Ok(vec![
        from_package("png encode", FILE, Encode)?,
        from_package("png decode", FILE, Decode)?,
    ])
}

/// Encodes the picture at `input`; `cells` is room for a pointer and a length. The caller frees the result.
fn encode(machine: &mut dyn Machine, input: u32, cells: u32) -> Result<(u32, u32)> {
    let arguments = [cells, cells + 4, input, picture::WIDTH, picture::HEIGHT];
    let error = call(machine, "lodepng_encode32", &arguments)?;
    ensure!(error == 0, "lodepng's error {error}");
    Ok((read_u32(machine, cells)?, read_u32(machine, cells + 4)?))
}

struct Encode;

impl Task for Encode {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        call(machine, "_initialize", &[])?;
        let input = place(machine, ALLOCATOR, &picture::rgba())?;
        let cells = allocate(machine, ALLOCATOR, 8)?;
        Ok(Box::new(move |machine| {
            let (ptr, len) = encode(machine, input, cells)?;
            let digest = digest(&machine.read(ptr, len)?);
            call(machine, "free", &[ptr])?;
            Ok(digest)
        }))
    }
}

struct Decode;

impl Task for Decode {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        call(machine, "_initialize", &[])?;
        let pixels = place(machine, ALLOCATOR, &picture::rgba())?;
        let cells = allocate(machine, ALLOCATOR, 12)?;
        let (png, len) = encode(machine, pixels, cells)?;
        Ok(Box::new(move |machine| {
            let error = call(machine, "lodepng_decode32", &[cells, cells + 4, cells + 8, png, len])?;
            ensure!(error == 0, "lodepng's error {error}");
            let output = read_u32(machine, cells)?;
            let digest = digest(&machine.read(output, 4096)?);
            call(machine, "free", &[output])?;
            Ok(digest)
        }))
    }
}
