//! Names and numbers of the call convention between host and guest.
//!
//! Where several names are accepted they stand in the order in which the host looks for them.

/// The call convention's version; what [`ABI_VERSION_EXPORT`] returns.
pub const ABI_VERSION: u32 = 1;

/// Exports that allocate: `(len: u32) -> ptr: u32`, 0 = out of memory.
pub const ALLOCATE: [&str; 3] = [
    "__aingle_guest_allocate",
    "__hc__allocate_1",
    "__ai__allocate_1",
];
/// Exports that free: `(ptr: u32, len: u32)`.
pub const DEALLOCATE: [&str; 3] = [
    "__aingle_guest_deallocate",
    "__hc__deallocate_1",
    "__ai__deallocate_1",
];
/// Export called after each call: `()`. Frees everything the call allocated in the arena.
pub const RESET_ARENA: &str = "__aingle_guest_reset_arena";
/// Optional export: `() -> u32`, the arena's current position.
pub const MARK: &str = "__aingle_guest_mark";
/// Optional export: `(mark: u32)`, frees what was allocated since the mark.
pub const RELEASE: &str = "__aingle_guest_release";
/// Optional export: `() -> u64`, pointer and capacity packed like a result; read once, after instantiation.
pub const CALL_BUFFER: &str = "__aingle_guest_call_buffer";
/// Optional export: `() -> u32`; absent = 1.
pub const ABI_VERSION_EXPORT: &str = "__aingle_abi_version";

/// Import module of host functions.
pub const HOST_MODULE: &str = "env";
/// Import module that every backend provides by itself.
pub const SYSTEM_MODULE: &str = "aingle_v1";
/// Function of [`SYSTEM_MODULE`]: `(ptr: u32, len: u32) -> u32`, CRC-32/ISO-HDLC of the range.
pub const CRC32: &str = "crc32";
/// Function of [`SYSTEM_MODULE`]: `(ptr: u32, len: u32)`, a structured error; the trap that follows is reported with it.
pub const PANIC: &str = "panic";

/// [`CRC32`] costs one unit of fuel for this many bytes, rounded down.
pub const CRC32_BYTES_A_FUEL: u32 = 16;

/// How the host gets and returns memory of a guest that speaks the plain `bytes` convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainAllocator {
    /// C: `allocate(len) -> ptr` and `free(ptr)`.
    Malloc {
        /// Name of `(len) -> ptr`.
        allocate: &'static str,
        /// Name of `(ptr)`.
        free: &'static str,
    },
    /// Sized: `allocate(len) -> ptr` and `free(ptr, len)`.
    Sized {
        /// Name of `(len) -> ptr`.
        allocate: &'static str,
        /// Name of `(ptr, len)`.
        free: &'static str,
    },
    /// A collected language: `new(len, class) -> ptr`, `pin(ptr) -> ptr`, `unpin(ptr)`.
    Collected {
        /// Name of `(len, class) -> ptr`.
        new: &'static str,
        /// Name of `(ptr) -> ptr`.
        pin: &'static str,
        /// Name of `(ptr)`.
        unpin: &'static str,
    },
}

/// The allocators of the plain `bytes` convention, in the order in which the host looks for them.
pub const PLAIN_ALLOCATORS: [PlainAllocator; 3] = [
    PlainAllocator::Malloc {
        allocate: "malloc",
        free: "free",
    },
    PlainAllocator::Sized {
        allocate: "allocate",
        free: "deallocate",
    },
    PlainAllocator::Collected {
        new: "__new",
        pin: "__pin",
        unpin: "__unpin",
    },
];

/// The class number given to [`PlainAllocator::Collected`]'s `new`: AssemblyScript's `ArrayBuffer`, bare bytes.
pub const COLLECTED_BYTES_CLASS: u32 = 1;
