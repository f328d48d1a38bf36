//! The one place for what a caller may choose: complexity caps and limits, with the one default table.

use crate::Costs;

/// Defines [`ComplexityCaps`] from one table of field, option name, default and meaning.
macro_rules! complexity_caps {
    ($( $(#[$doc:meta])* $field:ident $name:literal = $default:literal, )+) => {
        /// Upper bounds of what a module may contain, each inclusive. They are checked before an engine, or a costly
        /// step of the validator, sees the module.
        ///
        /// The defaults admit the real programs we know of and stop well below the sizes at which code generators
        /// have known faults.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "json", derive(serde::Deserialize), serde(rename_all = "camelCase", deny_unknown_fields, default))]
        pub struct ComplexityCaps {
            $( $(#[$doc])* #[doc = concat!("\n\nDefault: ", stringify!($default), ".")] pub $field: u64, )+
        }

        impl Default for ComplexityCaps {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl ComplexityCaps {
            /// The caps' names as in the options, in order.
            pub const NAMES: &[&'static str] = &[$( $name, )+];

            /// The cap called `name` in the options, or `None` if there is none.
            pub fn get_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $( $name => Some(&mut self.$field), )+
                    _ => None,
                }
            }
        }
    };
}

complexity_caps! {
    /// Bytes of the whole module.
    module_bytes "moduleBytes" = 67_108_864,
    /// Functions, imported ones included.
    functions "functions" = 200_000,
    /// Bytes of one function's body.
    body_bytes "bodyBytes" = 1_048_576,
    /// Declared locals of one function, parameters not counted.
    locals "locals" = 20_000,
    /// Parameters of one function or block.
    params "params" = 256,
    /// Results of one function or block.
    results "results" = 256,
    /// Blocks, loops and ifs open at one point of a function.
    nesting "nesting" = 10_000,
    /// Targets of one `br_table`, its default included.
    branch_targets "branchTargets" = 4_096,
    /// Function types.
    types "types" = 50_000,
    /// Imports of all kinds.
    imports "imports" = 10_000,
    /// Exports of all kinds.
    exports "exports" = 50_000,
    /// Globals, imported ones included.
    globals "globals" = 50_000,
    /// Element segments.
    elements "elements" = 10_000,
    /// Data segments.
    data_segments "dataSegments" = 50_000,
    /// Bytes of the element and data sections together.
    segment_bytes "segmentBytes" = 67_108_864,
    /// Bytes of one imported or exported name, or of the name of a custom section.
    name_bytes "nameBytes" = 10_000,
}

/// Pages of 65,536 bytes that a memory may have by default: 256 MiB.
const DEFAULT_MEMORY_PAGES: u32 = 4_096;
/// Elements that all tables may have together by default.
const DEFAULT_TABLE_ELEMENTS: u32 = 1_000_000;

/// How a guest can be stopped from another thread. The fuel count is the same in all forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Interruption {
    /// Not at all: for hosts that can end the thread.
    #[default]
    None,
    /// The host writes globals, see [`reserved::FLOOR`](crate::reserved::FLOOR): for engines whose globals another
    /// thread can write.
    Floors,
    /// The guest asks the host now and then, see [`reserved::HOOKS`](crate::reserved::HOOKS): for engines whose
    /// globals it cannot.
    Stop,
}

/// Who grows memories and tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Growth {
    /// The engine's operators.
    #[default]
    Operator,
    /// The host, see [`reserved::HOOKS`](crate::reserved::HOOKS): for an engine whose operators leave something behind
    /// each time they run. That engine also loses operands below blocks with parameters
    /// and mistakes the conditions of some `select`s, so these are guarded.
    Host,
}

/// Which values cross as integers of the same bits, see [`reserved::EXACT`](crate::reserved::EXACT): for hosts that cannot
/// carry them. With any but [`Adapters::None`], [`ModuleInfo::references`](crate::ModuleInfo::references) is filled too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub enum Adapters {
    /// None.
    #[default]
    None,
    /// Vectors.
    Vectors,
    /// Vectors and floats: for hosts that want the bits of a NaN.
    Bits,
}

/// What [`prepare`](crate::prepare) builds into a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct PrepareConfig {
    /// What a module may contain.
    pub complexity: ComplexityCaps,
    /// Cap of the memory in pages of 65,536 bytes, 0 to 65,536. Default: 4,096 (256 MiB).
    pub memory_pages: u32,
    /// Cap of all tables' elements together. Default: 1,000,000.
    pub table_elements: u32,
    /// What operators cost. Default: model 1.
    pub costs: Costs,
    /// Whether NaNs made by arithmetic are canonical wherever the guest can see their bits. Default: true.
    pub canonicalize_nans: bool,
    /// How a guest can be stopped from another thread. Default: not at all.
    pub interruption: Interruption,
    /// Who grows memories and tables. Default: the engine.
    pub growth: Growth,
    /// Whether a guest that has spent its fuel asks the host for more and goes on where it was, see
    /// [`reserved::SLICE`](crate::reserved::SLICE), instead of stopping. Default: false.
    pub sliceable: bool,
    /// Whether small loops are unrolled, which makes counting cheaper in compiled code, dearer in an interpreter, and the
    /// module larger. What a guest does, costs and stops at is the same. Not done where the guest asks the host now and
    /// then ([`Interruption::Stop`], `sliceable`). Default: false.
    pub unroll: bool,
    /// Whether conversions that can trap are marked, see [`reserved::CONVERTING`](crate::reserved::CONVERTING): for
    /// engines whose traps do not tell them from divisions. Default: false.
    pub mark_conversions: bool,
    /// Which values can cross as integers too. Default: none.
    pub adapters: Adapters,
}

impl PrepareConfig {
    /// Whether loops are unrolled. A loop that has been left for asking the host would not be taken up again.
    pub(crate) fn unrolls(&self) -> bool {
        self.unroll && !self.sliceable && self.interruption != Interruption::Stop
    }

    /// Whether the module is written for an interpreter: that is who asks now and then.
    pub(crate) fn is_interpreted(&self) -> bool {
        self.interruption == Interruption::Stop
    }
}

impl Default for PrepareConfig {
    fn default() -> Self {
        Self {
            complexity: ComplexityCaps::default(),
            memory_pages: DEFAULT_MEMORY_PAGES,
            table_elements: DEFAULT_TABLE_ELEMENTS,
            costs: Costs::default(),
            canonicalize_nans: true,
            interruption: Interruption::default(),
            growth: Growth::default(),
            sliceable: false,
            unroll: false,
            mark_conversions: false,
            adapters: Adapters::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cap_is_reached_by_its_name() {
        let mut caps = ComplexityCaps::default();
        for name in ComplexityCaps::NAMES {
            *caps.get_mut(name).unwrap() = 7;
        }
        assert_eq!(caps.get_mut("nesting"), Some(&mut 7));
        assert_eq!(caps.get_mut("tables"), None);
        assert_eq!(ComplexityCaps::NAMES.len(), 16);
    }
}
