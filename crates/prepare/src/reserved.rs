//! Names of what a prepared module has beside [`aingle_wasm_types::meter`], in the forms that ask for it.

/// With [`Interruption::Floors`](crate::Interruption::Floors): the exported globals `__aingle_meter_floor_0`, `_1`, …
/// without a gap, mutable `i64`, initially 0. To stop the guest the host writes [`i64::MAX`] into all of them, number 0
/// first; before the next call it writes 0 again. Each check of a function reads another of them, because a code
/// generator may load a global once for all the checks that the first one dominates; number 0 is read where a check
/// has failed, to tell why. So where memory is weakly ordered a stop that the host asked for may be reported as
/// [`Stop::Fuel`](aingle_wasm_types::meter::Stop::Fuel): a host that has asked takes either for its own.
pub const FLOOR: &str = "__aingle_meter_floor_";

/// With [`Interruption::Stop`](crate::Interruption::Stop): an exported global, mutable `i64`. The guest asks the host
/// once its fuel is below it. The host writes [`i64::MAX`] before each call from outside.
pub const THRESHOLD: &str = "__aingle_meter_threshold";

/// With [`Interruption::Stop`](crate::Interruption::Stop), [`Growth::Host`](crate::Growth::Host) or
/// [`PrepareConfig::sliceable`](crate::PrepareConfig): an exported table of five function references, of which the host
/// fills those that the form asks for after instantiation, before anything runs. They take and give plain values:
///
/// | element | type | does |
/// |---|---|---|
/// | [`POLL`] | `() -> (i32)` | tells whether the guest is to stop: not 0 ends it as interrupted |
/// | [`GROW_MEMORY`] | `(i32) -> (i32)` | grows [`meter::MEMORY`](aingle_wasm_types::meter::MEMORY) by pages |
/// | [`GROW_FUNCTIONS`] | `(funcref, i32, i32) -> (i32)` | grows a table of functions: value, elements, table |
/// | [`GROW_EXTERNS`] | `(externref, i32, i32) -> (i32)` | grows a table of host values: value, elements, table |
/// | [`SLICE`] | `(i64) -> (i64)` | gives more fuel |
///
/// Growing gives the former size, or −1 if the engine refuses. Caps are checked and fuel is charged by the guest.
pub const HOOKS: &str = "__aingle_meter_hooks";

/// Element of [`HOOKS`]: asks whether to go on.
pub const POLL: u32 = 0;
/// Element of [`HOOKS`]: grows the memory.
pub const GROW_MEMORY: u32 = 1;
/// Element of [`HOOKS`]: grows a table of functions.
pub const GROW_FUNCTIONS: u32 = 2;
/// Element of [`HOOKS`]: grows a table of host values.
pub const GROW_EXTERNS: u32 = 3;
/// Element of [`HOOKS`]: what a guest made with [`PrepareConfig::sliceable`](crate::PrepareConfig) calls in place of
/// stopping, type `(i64) -> (i64)`.
///
/// It is called where the guest finds that it has run, or is about to run in bulk, more than it had: at checks, before
/// imports, after growths. With [`Interruption::Floors`](crate::Interruption::Floors) it is also called, in place of
/// stopping as interrupted, at each check and between pieces of long bulk work while the floors are not 0. Its argument
/// is the exact rest: below zero what the guest is short of, otherwise a floor was hit. What it gives is the new rest,
/// with which the guest goes on where it was and which it writes to its global, or a negative number, which stops the guest as
/// [`Stop::Fuel`](aingle_wasm_types::meter::Stop::Fuel). It may trap, and must not call the guest.
///
/// The units used are all that the host has granted less the rest. A call may end with a negative rest, which is what
/// it ran since its last check; it has passed if the host grants that too.
pub const SLICE: u32 = 4;
/// Elements of [`HOOKS`].
pub const HOOK_COUNT: u32 = 5;

/// With [`PrepareConfig::mark_conversions`](crate::PrepareConfig): an exported global, mutable `i32`, that is 1 while a
/// float is converted to an integer and 0 otherwise. A trap leaves it as it is, so it tells a conversion out of range
/// from a division that overflows; the host writes 0 before each call from outside.
pub const CONVERTING: &str = "__aingle_meter_converting";

/// With [`Adapters`](crate::Adapters): functions `__aingle_meter_exact_<n>` beside each exported function whose type has
/// values that cross as integers, where `n` is its position among the module's exports. They take and give two `i64`,
/// low half first, for a `v128`, and with [`Adapters::Bits`](crate::Adapters::Bits) an `i32` for an `f32` and an `i64`
/// for an `f64`, with the same bits.
///
/// An import whose type has vectors then wants a function with two `i64` in place of each.
pub const EXACT: &str = "__aingle_meter_exact_";
/// With [`Adapters`](crate::Adapters): reads the exported global at a position among the exports, if its value crosses as
/// integers like those of [`EXACT`].
pub const EXACT_GET: &str = "__aingle_meter_exact_get_";
/// With [`Adapters`](crate::Adapters): writes such a global, if it is mutable.
pub const EXACT_SET: &str = "__aingle_meter_exact_set_";

/// With [`Growth::Host`](crate::Growth::Host), in a module that imports or exports a table, and in one that has a table of
/// host values: all tables under `__aingle_meter_table_0`, `_1`, …, by index.
pub const TABLE: &str = "__aingle_meter_table_";

/// The mutable globals that hold references to host values, under `__aingle_meter_extern_0`, `_1`, … without a gap: what is
/// in neither these nor the tables is held by nobody while the guest is at rest.
pub const EXTERN: &str = "__aingle_meter_extern_";

/// In a module that imports or exports anything with function references: each exported function as what a reference to
/// it means, under `__aingle_meter_reference_<n>`, where `n` is its position among the module's exports.
pub const REFERENCE: &str = "__aingle_meter_reference_";

/// With [`Interruption::Stop`](crate::Interruption::Stop): units between two questions, as long as enough fuel is left.
pub const POLL_INTERVAL: u64 = 1 << 17;
