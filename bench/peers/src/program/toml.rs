//! @dprint/toml: a formatter in Rust, half a megabyte, with version 4 of dprint's plugin convention.

use anyhow::{Result, ensure};

use super::{Program, Run, Task, call, digest, from_package};
use crate::engine::Machine;

const CONFIG: u32 = 1;
const CHANGED: u32 = 1;

pub(super) fn format() -> Result<Program> {
    from_package("toml format", "@dprint/toml/plugin.wasm", Format)
}

struct Format;

impl Task for Format {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        send(machine, br#"{"plugin":{},"global":{}}"#)?;
        call(machine, "register_config", &[CONFIG])?;
        let source = source();
        Ok(Box::new(move |machine| {
            send(machine, b"settings.toml")?;
            call(machine, "set_file_path", &[])?;
            send(machine, source.as_bytes())?;
            let outcome = call(machine, "format", &[CONFIG])?;
            ensure!(outcome == CHANGED, "the formatter's answer is {outcome}");
            let len = call(machine, "get_formatted_text", &[])?;
            let ptr = call(machine, "get_shared_bytes_ptr", &[])?;
            Ok(digest(&machine.read(ptr, len)?))
        }))
    }
}

/// Lays bytes into the plugin's shared buffer.
fn send(machine: &mut dyn Machine, bytes: &[u8]) -> Result<()> {
    let ptr = call(machine, "clear_shared_bytes", &[bytes.len() as u32])?;
    machine.write(ptr, bytes)
}

/// A settings file that has something to format.
fn source() -> String {
    let table = |index: u32| {
        format!(
            "[service-{index}]\nname=\"service {index}\"   # shown to users\nports = [ {},{},   {} ]\n\
             limits={{memory={}, fuel=1_000_000 , 'call depth'=3_000}}\n\n\n\
             [[service-{index}.rule]]\nwhen   = 2026-11-21T10:00:00Z\nallow=[ 'read',\n'write',  \"list\" ]\nratio= 0.{index}5\n\n",
            8000 + index,
            9000 + index,
            10_000 + index,
            index * 1024,
        )
    };
    (0..60).map(table).collect()
}
