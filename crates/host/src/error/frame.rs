//! Where a guest was when it trapped.

use std::fmt;

use super::text::Unquoted;
use crate::module::Origin;

/// A function of the guest that was on the stack when it trapped.
///
/// `Display` shows it as stack traces of JavaScript do: `inner (wasm-function[5]:0x6e)`. Names are the guest's text and
/// escaped there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapFrame {
    function: u32,
    name: Option<String>,
    prepared: Option<u32>,
    origin: Origin,
}

impl TrapFrame {
    pub(crate) fn new(
        function: u32,
        name: Option<String>,
        prepared: Option<u32>,
        origin: Origin,
    ) -> Self {
        Self {
            function,
            name,
            prepared,
            origin,
        }
    }

    /// The function's index in the module; imported functions come first.
    #[must_use]
    pub fn function(&self) -> u32 {
        self.function
    }

    /// The function's name, if the module's name section has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the operator that trapped, or that called the next function, is in the bytes that were compiled. `None` if
    /// the engine does not tell.
    ///
    /// The first such question about a module takes as long as preparing it; what is found then is kept.
    #[must_use]
    pub fn offset(&self) -> Option<u32> {
        self.origin.original(self.prepared?)
    }

    /// Where it is in the module that was made of those bytes, for [`Origin::original`]. Costs nothing.
    #[must_use]
    pub fn prepared_offset(&self) -> Option<u32> {
        self.prepared
    }
}

impl fmt::Display for TrapFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{} (", Unquoted(name))?;
        }
        write!(f, "wasm-function[{}]", self.function)?;
        if let Some(offset) = self.offset() {
            write!(f, ":{offset:#x}")?;
        }
        f.write_str(if self.name.is_some() { ")" } else { "" })
    }
}
