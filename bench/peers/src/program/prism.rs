//! @ruby/prism: Ruby's parser, compiled from C, with 45 WASI imports that parsing does not use.

use anyhow::{Result, ensure};

use super::{Program, Run, Task, allocate, call, digest, from_package, place};
use crate::engine::Machine;

const ALLOCATOR: &str = "malloc";

/// What parsePrism.js packs when no option is given: all zero but the first line's number.
const OPTIONS: [u8; 23] = {
    let mut options = [0; 23];
    options[4] = 1;
    options
};

pub(super) fn parse() -> Result<Program> {
    from_package("ruby parse", "@ruby/prism/src/prism.wasm", Parse)
}

struct Parse;

impl Task for Parse {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        call(machine, "_initialize", &[])?;
        let text = source();
        let source = place(machine, ALLOCATOR, text.as_bytes())?;
        let options = place(machine, ALLOCATOR, &OPTIONS)?;
        let len = text.len() as u32;
        let size = call(machine, "pm_buffer_sizeof", &[])?;
        let buffer = allocate(machine, ALLOCATOR, size as usize)?;
        Ok(Box::new(move |machine| {
            call(machine, "pm_buffer_init", &[buffer])?;
            call(machine, "pm_serialize_parse", &[buffer, source, len, options])?;
            let tree = call(machine, "pm_buffer_value", &[buffer])?;
            let size = call(machine, "pm_buffer_length", &[buffer])?;
            ensure!(size > len / 4, "a tree of {size} bytes for {len} bytes of source");
            let digest = digest(&machine.read(tree, size)?);
            call(machine, "pm_buffer_free", &[buffer])?;
            Ok(digest)
        }))
    }
}

/// Classes with what Ruby's grammar has: blocks, strings with expressions, keyword arguments, patterns, rescue.
fn source() -> String {
    let class = include_str!("../../../programs/sensor.rb");
    (0..60)
        .map(|index: u32| class.replace("INDEX", &index.to_string()))
        .collect()
}
