//! The limits of an engine and of an instance, with the one table of their ranges and defaults.

use aingle_wasm_types::meter::PAGE_BYTES;
use aingle_wasm_types::{ErrorCode, Phase};

use crate::error::{ErrorKind, HostError};

/// Largest memory of an instance: results mark errors in bit 63, so a pointer has 31 bits.
pub const MAX_MEMORY_BYTES: u64 = (1 << 31) - PAGE_BYTES as u64;
/// Largest number of table elements of an instance.
pub const MAX_TABLE_ELEMENTS: u32 = 10_000_000;
/// Largest call depth, in weighted frames; the native stack of guests is sized for it.
pub const MAX_CALL_DEPTH: u32 = 20_000;
/// Default call depth, in weighted frames: the deepest at which no supported engine's own stack ends first.
pub const DEFAULT_CALL_DEPTH: u32 = 3_000;
/// How deep guest and host may call each other, the outermost call counted as 1.
pub const MAX_NESTING: u32 = 16;

/// What an engine allows every instance, and the engine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of an instance, in bytes: a multiple of 65,536 up to [`MAX_MEMORY_BYTES`]. Default 256 MiB, on 32-bit hosts 64 MiB.
    pub memory_bytes: u64,
    /// Elements of all tables of an instance together, up to [`MAX_TABLE_ELEMENTS`]. Default 1,000,000.
    pub table_elements: u32,
    /// Weighted frames of guest functions, 1 to [`MAX_CALL_DEPTH`]. Default [`DEFAULT_CALL_DEPTH`].
    pub call_depth: u32,
    /// Payload bytes of a call's result. Default 64 MiB.
    pub output_bytes: u64,
    /// A call's calls of host functions. Default `None`: no limit.
    pub host_calls: Option<u64>,
    /// Live instances of the engine, at least 1. Default 100,000.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: if cfg!(target_pointer_width = "64") {
                256 << 20
            } else {
                64 << 20
            },
            table_elements: 1_000_000,
            call_depth: DEFAULT_CALL_DEPTH,
            output_bytes: 64 << 20,
            host_calls: None,
            instances: 100_000,
        }
    }
}

impl Limits {
    /// The memory cap in pages.
    pub(crate) fn memory_pages(&self) -> u32 {
        pages(self.memory_bytes)
    }

    /// Checks every limit against its range.
    pub(crate) fn check(&self) -> Result<(), HostError> {
        let instance = InstanceLimits::from(self);
        instance.check_ranges()?;
        in_range(
            "limits.instances",
            self.instances.into(),
            1,
            u32::MAX.into(),
        )
    }

    /// These limits lowered by what an instance asks for.
    pub(crate) fn lowered(&self, asked: &InstanceLimits) -> Result<InstanceLimits, HostError> {
        let engine = InstanceLimits::from(self);
        let limits = InstanceLimits {
            memory_bytes: asked.memory_bytes.or(engine.memory_bytes),
            table_elements: asked.table_elements.or(engine.table_elements),
            call_depth: asked.call_depth.or(engine.call_depth),
            output_bytes: asked.output_bytes.or(engine.output_bytes),
            host_calls: asked.host_calls.or(engine.host_calls),
        };
        limits.check_ranges()?;
        for ((name, value), (_, max)) in limits.table().into_iter().zip(engine.table()) {
            if let (Some(value), Some(max)) = (value, max) {
                in_range(name, value, 0, max)?;
            }
        }
        Ok(limits)
    }
}

/// Limits of one instance; what is `None` is the engine's. A limit above the engine's is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceLimits {
    /// As [`Limits::memory_bytes`].
    pub memory_bytes: Option<u64>,
    /// As [`Limits::table_elements`].
    pub table_elements: Option<u32>,
    /// As [`Limits::call_depth`].
    pub call_depth: Option<u32>,
    /// As [`Limits::output_bytes`].
    pub output_bytes: Option<u64>,
    /// As [`Limits::host_calls`].
    pub host_calls: Option<u64>,
}

impl From<&Limits> for InstanceLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            memory_bytes: Some(limits.memory_bytes),
            table_elements: Some(limits.table_elements),
            call_depth: Some(limits.call_depth),
            output_bytes: Some(limits.output_bytes),
            host_calls: limits.host_calls,
        }
    }
}

impl InstanceLimits {
    fn table(&self) -> [(&'static str, Option<u64>); 5] {
        [
            ("limits.memory_bytes", self.memory_bytes),
            ("limits.table_elements", self.table_elements.map(u64::from)),
            ("limits.call_depth", self.call_depth.map(u64::from)),
            ("limits.output_bytes", self.output_bytes),
            ("limits.host_calls", self.host_calls),
        ]
    }

    fn check_ranges(&self) -> Result<(), HostError> {
        const RANGES: [(u64, u64); 5] = [
            (0, MAX_MEMORY_BYTES),
            (0, MAX_TABLE_ELEMENTS as u64),
            (1, MAX_CALL_DEPTH as u64),
            (0, u32::MAX as u64),
            (0, u64::MAX),
        ];
        for ((name, value), (min, max)) in self.table().into_iter().zip(RANGES) {
            value.map_or(Ok(()), |value| in_range(name, value, min, max))?;
        }
        let bytes = self.memory_bytes.unwrap_or_default();
        if !bytes.is_multiple_of(u64::from(PAGE_BYTES)) {
            return Err(HostError::argument(
                "limits.memory_bytes",
                bytes,
                "a multiple of 65,536",
            ));
        }
        Ok(())
    }
}

/// Whole pages in a number of bytes.
pub(crate) fn pages(bytes: u64) -> u32 {
    u32::try_from(bytes / u64::from(PAGE_BYTES)).unwrap_or(u32::MAX)
}

/// Refuses a number outside `min..=max`.
pub(crate) fn in_range(
    option: &'static str,
    value: u64,
    min: u64,
    max: u64,
) -> Result<(), HostError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let kind = ErrorKind::Argument {
        code: ErrorCode::OutOfRange,
        option,
        value: value.to_string(),
        allowed: format!("{min} to {max}"),
    };
    Err(HostError::new(Phase::Load, kind))
}
