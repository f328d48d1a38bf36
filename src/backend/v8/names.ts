// Names that a host looks for in a guest: the same as `abi` and `meter` of the Rust crate `aingle_wasm_types`.

/** Reserved exports of a prepared module. */
export const METER = {
  fuel: '__aingle_meter_fuel',
  status: '__aingle_meter_status',
  depth: '__aingle_meter_depth',
  memoryCap: '__aingle_meter_memory_cap',
  tableCap: '__aingle_meter_table_cap',
  start: '__aingle_meter_start',
  memory: '__aingle_meter_memory',
} as const;

/** Exported table of a sliceable module, and the element that it calls, `(i64) -> (i64)`, when its fuel is spent; see crates/prepare/src/reserved.rs. */
export const HOOKS = { table: '__aingle_meter_hooks', slice: 4 } as const;
/** Those that `reserved` of the Rust crate `aingle_wasm_prepare` has beside them; a number follows. */
export const RESERVED = {
  /** With a position among the exports: functions and globals with two integers in place of each vector. */
  exact: '__aingle_meter_exact_',
  exactGet: '__aingle_meter_exact_get_',
  exactSet: '__aingle_meter_exact_set_',
  /** With such a position: an exported function as what a reference to it means. */
  reference: '__aingle_meter_reference_',
  /** From 0 on: the module's tables, and its globals that can come to hold values of the host. */
  table: '__aingle_meter_table_',
  extern: '__aingle_meter_extern_',
} as const;

/** Why a prepared module stopped itself; what it stored in `__aingle_meter_status`. */
export const STOP = { none: 0, fuel: 1, depth: 2, outOfMemory: 3 } as const;

export const INITIALIZE = '_initialize';
export const SYSTEM_MODULE = 'aingle_v1';

/** Exports of the guest kit; where several names are accepted they stand in the order in which they are looked for. */
export const GUEST = {
  allocate: ['__aingle_guest_allocate', '__hc__allocate_1', '__ai__allocate_1'],
  deallocate: ['__aingle_guest_deallocate', '__hc__deallocate_1', '__ai__deallocate_1'],
  resetArena: ['__aingle_guest_reset_arena'],
  mark: ['__aingle_guest_mark'],
  release: ['__aingle_guest_release'],
  callBuffer: ['__aingle_guest_call_buffer'],
  abiVersion: ['__aingle_abi_version'],
} as const;

export const ABI_VERSION = 1;

/** `aingle_v1.crc32` costs one unit of fuel for each 16 bytes, rounded down. */
export const CRC32_FUEL_SHIFT = 4;
