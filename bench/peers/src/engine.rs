//! What a program needs of an engine, and which engines and forms of metering there are.

mod wasmer;
mod wasmi;
mod wasmtime;

use aingle_wasm_prepare::{Interruption, PrepareConfig, prepare};
use anyhow::Result;

/// Fuel that no program uses up: half of what the smallest counter holds.
const PLENTY: u64 = 1 << 62;
/// Depth that no program reaches.
const DEEP: i32 = 1 << 30;
/// What stubbed imports answer: WASI's "bad file descriptor". None of the programs depends on an answer.
const BAD_DESCRIPTOR: i32 = 8;

/// A core value, as far as the programs pass them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    I32(i32),
    I64(i64),
}

impl Value {
    /// The bits of a value as a pointer or length.
    pub fn as_u32(self) -> u32 {
        match self {
            Value::I32(value) => value as u32,
            Value::I64(value) => value as u32,
        }
    }
}

/// An instance of a module in some engine.
pub trait Machine {
    /// Calls an export.
    fn call(&mut self, export: &str, arguments: &[Value]) -> Result<Option<Value>>;

    /// Copies bytes out of the memory.
    fn read(&mut self, ptr: u32, len: u32) -> Result<Vec<u8>>;

    /// Copies bytes into the memory.
    fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<()>;

    /// Fuel used since the instance was made, by our count; `None` where somebody else counts, or nobody.
    fn fuel_used(&mut self) -> Option<u64>;
}

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metering {
    /// Nobody.
    None,
    /// `prepare`.
    Ours,
    /// `prepare`, with points where another thread can stop the guest: what the wasmi backend runs.
    Interruptible,
    /// The same with small loops unrolled: what the wasmer backend runs.
    Unrolled,
    /// The engine's own means: wasmer's middleware, wasmtime's fuel.
    Theirs,
}

impl Metering {
    /// Whether the module was prepared.
    fn is_ours(self) -> bool {
        self == Metering::Ours || self.is_interruptible()
    }

    /// Whether another thread can stop the guest.
    fn is_interruptible(self) -> bool {
        matches!(self, Metering::Interruptible | Metering::Unrolled)
    }
}

/// An engine with a form of metering.
pub struct Contestant {
    pub engine: &'static str,
    pub metering: Metering,
    /// How a guest is interrupted on this engine.
    interruption: Interruption,
    load: fn(&[u8], Metering) -> Result<Box<dyn Machine>>,
}

/// All that are compared.
pub const CONTESTANTS: &[Contestant] = &[
    on_wasmer(Metering::None),
    on_wasmer(Metering::Ours),
    on_wasmer(Metering::Interruptible),
    on_wasmer(Metering::Unrolled),
    on_wasmer(Metering::Theirs),
    on_wasmtime(Metering::None),
    on_wasmtime(Metering::Theirs),
    on_wasmi(Metering::None),
    on_wasmi(Metering::Ours),
    on_wasmi(Metering::Interruptible),
];

const fn on_wasmer(metering: Metering) -> Contestant {
    Contestant {
        engine: "wasmer",
        metering,
        interruption: Interruption::Floors,
        load: wasmer::load,
    }
}

const fn on_wasmtime(metering: Metering) -> Contestant {
    Contestant {
        engine: "wasmtime",
        metering,
        interruption: Interruption::None,
        load: wasmtime::load,
    }
}

const fn on_wasmi(metering: Metering) -> Contestant {
    Contestant {
        engine: "wasmi",
        metering,
        interruption: Interruption::Stop,
        load: wasmi::load,
    }
}

impl Contestant {
    /// Makes an instance of `wasm`, rewritten first if we count.
    pub fn load(&self, wasm: &[u8]) -> Result<Box<dyn Machine>> {
        let interruption = match self.metering {
            Metering::None | Metering::Theirs => return (self.load)(wasm, self.metering),
            Metering::Ours => Interruption::None,
            Metering::Interruptible | Metering::Unrolled => self.interruption,
        };
        // Only counting is compared, and nobody else makes NaNs canonical.
        let config = PrepareConfig {
            interruption,
            unroll: self.metering == Metering::Unrolled,
            canonicalize_nans: false,
            ..PrepareConfig::default()
        };
        (self.load)(&prepare(wasm, &config)?.bytes, self.metering)
    }
}
