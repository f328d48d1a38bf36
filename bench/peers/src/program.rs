//! What is run: kernels of ours, and programs from npm packages with something to do.

mod kernel;
mod libdeflate;
mod lodepng;
mod nsgif;
mod picture;
mod prism;
mod toml;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::engine::{Machine, Value};

/// Whose program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// guests/kernels.
    Kernel,
    /// An npm package.
    Package,
}

/// A module with something to do.
pub struct Program {
    pub name: String,
    pub origin: Origin,
    pub wasm: Vec<u8>,
    pub task: Box<dyn Task>,
}

/// What to do with a module.
pub trait Task {
    /// Brings inputs into the instance and returns one run of the work: it gives a digest of its output, the same each time and on
    /// every engine.
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run>;
}

/// One run of a program's work; returns a digest of the output.
pub type Run = Box<dyn FnMut(&mut dyn Machine) -> Result<u64>>;

/// All programs.
///
/// # Errors
/// If a file is missing: the npm packages are installed by `npm ci` in bench/peers.
pub fn all() -> Result<Vec<Program>> {
    let mut programs = kernel::all()?;
    programs.extend(libdeflate::all()?);
    programs.extend(lodepng::all()?);
    programs.push(nsgif::decode()?);
    programs.push(toml::format()?);
    programs.push(prism::parse()?);
    Ok(programs)
}

fn from_package(name: &str, file: &str, task: impl Task + 'static) -> Result<Program> {
    Ok(Program {
        name: name.to_owned(),
        origin: Origin::Package,
        wasm: read(&here().join("node_modules").join(file))?,
        task: Box::new(task),
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}; was `npm ci` run in bench/peers?", path.display()))
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Calls an export whose parameters and result are pointers and lengths; 0 if it returns nothing.
fn call(machine: &mut dyn Machine, export: &str, arguments: &[u32]) -> Result<u32> {
    let arguments: Vec<Value> = arguments.iter().map(|value| Value::I32(*value as i32)).collect();
    Ok(machine.call(export, &arguments)?.map_or(0, Value::as_u32))
}

/// Room for `len` bytes from the program's own allocator, which is called `allocator`.
fn allocate(machine: &mut dyn Machine, allocator: &str, len: usize) -> Result<u32> {
    let ptr = call(machine, allocator, &[len as u32])?;
    ensure!(ptr != 0, "the program has no memory for {len} bytes");
    Ok(ptr)
}

/// A copy of `bytes` in the program's memory.
fn place(machine: &mut dyn Machine, allocator: &str, bytes: &[u8]) -> Result<u32> {
    let ptr = allocate(machine, allocator, bytes.len())?;
    machine.write(ptr, bytes)?;
    Ok(ptr)
}

/// A pointer or length that the program left in its memory.
fn read_u32(machine: &mut dyn Machine, ptr: u32) -> Result<u32> {
    let bytes = machine.read(ptr, 4)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// FNV-1a: enough to tell one output from another.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// xorshift32: the same numbers everywhere.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
