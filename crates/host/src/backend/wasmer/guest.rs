//! The cells of a running instance, reached by pointers because host functions reach them while the guest waits.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wasmer::sys::vm::{
    InternalStoreHandle, LinearMemory, VMCallerCheckedAnyfunc, VMConfig, VMGlobalDefinition,
    VMMemory, VMMemoryDefinition, VMTable, catch_traps, on_host_stack,
};
use wasmer::{AsStoreMut, Instance, Pages, Store};

use super::engine::WasmerModule;
use super::{STACK_BYTES, trap};
use crate::backend::references::FunctionNumbers;
use crate::backend::{FunctionId, GlobalId, GrowthRefused, Guest, Interruption, Next};
use crate::error::panic_text;
use crate::stop::StopSwitch;
use crate::value::Slot;

/// Everything of an instance that calls and host functions touch. The field order is the order of dropping: the store
/// before the module whose code it runs.
pub(super) struct GuestCells {
    pub(super) store: Store,
    pub(super) module: Arc<WasmerModule>,
    pub(super) meter: Option<MeterCells>,
    pub(super) memory: Option<MemoryCell>,
    /// By [`GlobalId`].
    pub(super) globals: Vec<NonNull<VMGlobalDefinition>>,
    /// The globals by which the guest is stopped, the one that tells why first.
    pub(super) floors: Vec<NonNull<VMGlobalDefinition>>,
    /// Resolved functions, by [`FunctionId`].
    pub(super) functions: Vec<VMCallerCheckedAnyfunc>,
    /// Functions that references stand for; the key is the reference itself.
    pub(super) numbers: FunctionNumbers<u64>,
    /// The instance, once it is made.
    pub(super) instance: Option<Instance>,
    /// Those that the module shows, by [`TableId`](crate::backend::TableId).
    pub(super) tables: Vec<InternalStoreHandle<VMTable>>,
}

/// Where the reserved globals are. They live in the store's objects and do not move.
#[derive(Clone, Copy)]
pub(super) struct MeterCells {
    pub(super) fuel: NonNull<VMGlobalDefinition>,
    pub(super) status: NonNull<VMGlobalDefinition>,
    pub(super) depth: NonNull<VMGlobalDefinition>,
    pub(super) memory_cap: NonNull<VMGlobalDefinition>,
    pub(super) table_cap: NonNull<VMGlobalDefinition>,
}

/// Where the memory's base and length are, and the memory itself for growing.
#[derive(Clone, Copy)]
pub(super) struct MemoryCell {
    pub(super) definition: NonNull<VMMemoryDefinition>,
    pub(super) handle: InternalStoreHandle<VMMemory>,
}

/// A pointer to the cells of one instance. Valid from the making of the instance until [`GuestRef::free`].
///
/// The cells are only reached through this pointer, from one thread at a time: the one that owns the instance, also
/// while the instance's guest waits in a host function on that thread. References into the cells are never held across
/// a call of the guest.
#[derive(Clone, Copy)]
pub(super) struct GuestRef(NonNull<GuestCells>);

// SAFETY: the cells hold a store, which is `Send`, and pointers into the same store; they follow their instance from
// thread to thread and are never used by two at once (see `GuestRef`).
unsafe impl Send for GuestRef {}
// SAFETY: host functions must be shareable, but only the thread that runs their guest calls them (see `GuestRef`).
unsafe impl Sync for GuestRef {}

impl GuestRef {
    pub(super) fn new(module: Arc<WasmerModule>) -> Self {
        let cells = GuestCells {
            store: Store::new(module.engine.clone()),
            module,
            meter: None,
            memory: None,
            globals: Vec::new(),
            floors: Vec::new(),
            functions: Vec::new(),
            numbers: FunctionNumbers::default(),
            instance: None,
            tables: Vec::new(),
        };
        Self(NonNull::from(Box::leak(Box::new(cells))))
    }

    /// The cells, for one short access.
    #[expect(
        clippy::mut_from_ref,
        reason = "the pointer is shared, the access exclusive: see the type"
    )]
    pub(super) fn cells(&self) -> &mut GuestCells {
        // SAFETY: the pointer comes from `Box::leak` and is valid until `free`; no other reference is alive because
        // accesses are short and by one thread (see the type).
        unsafe { &mut *self.0.as_ptr() }
    }

    /// Frees the cells.
    ///
    /// # Safety
    /// Neither this pointer nor a copy of it may be used afterwards.
    pub(super) unsafe fn free(self) {
        // SAFETY: the pointer comes from `Box::leak` in `new`, and the caller gives up all copies of it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }

    fn meter(&self) -> MeterCells {
        self.cells()
            .meter
            .expect("host functions do not run before the instance is made")
    }

    /// Writes the caps that growth is compared with.
    pub(super) fn set_caps(&self, memory_pages: u32, table_elements: u32) {
        let meter = self.meter();
        // SAFETY: the cells are `i32` globals of the living store, and no guest code runs during this access.
        unsafe {
            (*meter.memory_cap.as_ptr()).val.u32 = memory_pages;
            (*meter.table_cap.as_ptr()).val.u32 = table_elements;
        }
    }
}

/// Writes the floors of a guest, see [`aingle_wasm_prepare::reserved::FLOOR`].
pub(super) struct FloorSwitch(pub(super) Vec<NonNull<VMGlobalDefinition>>);

// SAFETY: the globals belong to a store that outlives the switch, by the contract of `stop_switch`; other threads reach
// them as atomics only.
unsafe impl Send for FloorSwitch {}

impl StopSwitch for FloorSwitch {
    fn set(&self, stop: bool) {
        let floor = if stop { i64::MAX } else { 0 };
        for global in &self.0 {
            // SAFETY: the global is alive (see the type) and an aligned `i64`, which nothing but this switch writes. The
            // guest reads it with single loads of 64 bits.
            let cell = unsafe { AtomicI64::from_ptr(&raw mut (*global.as_ptr()).val.i64) };
            cell.store(floor, Ordering::SeqCst);
        }
    }
}

impl Guest for GuestRef {
    fn fuel(&self) -> i64 {
        // SAFETY: the cell is an `i64` global of the living store, and no guest code runs during this access.
        unsafe { (*self.meter().fuel.as_ptr()).val.i64 }
    }

    fn set_fuel(&mut self, left: i64) {
        // SAFETY: as in `fuel`.
        unsafe { (*self.meter().fuel.as_ptr()).val.i64 = left }
    }

    fn set_depth(&mut self, left: u32) {
        // SAFETY: the cell is an `i32` global of the living store, and no guest code runs during this access.
        unsafe { (*self.meter().depth.as_ptr()).val.u32 = left }
    }

    fn arm(&mut self, fuel: i64, depth: u32) {
        let meter = self.meter();
        // SAFETY: the cells are globals of the living store with these types, and no guest code runs during this access.
        unsafe {
            (*meter.fuel.as_ptr()).val.i64 = fuel;
            (*meter.status.as_ptr()).val.i32 = 0;
            (*meter.depth.as_ptr()).val.u32 = depth;
        }
    }

    fn status(&self) -> i32 {
        // SAFETY: the cell is an `i32` global of the living store, and no guest code runs during this access.
        unsafe { (*self.meter().status.as_ptr()).val.i32 }
    }

    fn clear_status(&mut self) {
        // SAFETY: as in `status`.
        unsafe { (*self.meter().status.as_ptr()).val.i32 = 0 }
    }

    fn memory(&mut self) -> &mut [u8] {
        let Some(memory) = self.cells().memory else {
            return &mut [];
        };
        // SAFETY: the definition belongs to the living store and describes mapped, initialised bytes. It is read anew
        // each time because guest code may have grown the memory, and the slice borrows this guest mutably, so that
        // neither guest code nor growth runs while it is alive.
        unsafe {
            let definition = memory.definition.as_ref();
            std::slice::from_raw_parts_mut(definition.base, definition.current_length)
        }
    }

    fn grow_memory(&mut self, pages: u32) -> Result<u32, GrowthRefused> {
        let cells = self.cells();
        let Some(memory) = cells.memory else {
            return Err(GrowthRefused::Maximum(0));
        };
        let memory = memory
            .handle
            .get_mut(cells.store.objects_mut().as_sys_mut());
        let maximum = memory.ty().maximum.unwrap_or(Pages::max_value()).0;
        if memory
            .size()
            .0
            .checked_add(pages)
            .is_none_or(|wanted| wanted > maximum)
        {
            return Err(GrowthRefused::Maximum(maximum));
        }
        let former = memory
            .grow(Pages(pages))
            .map_err(|_| GrowthRefused::Machine)?;
        Ok(former.0)
    }

    fn global(&mut self, GlobalId(id): GlobalId) -> Slot {
        let cell = self.cells().globals[id as usize];
        // SAFETY: the cell belongs to the living store, all of its 16 bytes can be read, and no guest code runs meanwhile.
        unsafe { (*cell.as_ptr()).val.u128 }
    }

    fn set_global(&mut self, GlobalId(id): GlobalId, value: Slot) {
        let cell = self.cells().globals[id as usize];
        // SAFETY: the cell belongs to the living store, and no guest code runs meanwhile. The bytes above the width of the
        // global's type are never read by the guest.
        unsafe { (*cell.as_ptr()).val.u128 = value }
    }

    fn call(&mut self, function: FunctionId, slots: &mut [Slot]) -> Result<(), Interruption> {
        self.enter(Chain {
            guest: *self,
            first: function,
            slots,
            next: None,
            panic: None,
        })
    }

    fn call_chain(
        &mut self,
        first: FunctionId,
        slots: &mut [Slot],
        next: &mut Next<'_>,
    ) -> Result<(), Interruption> {
        self.enter(Chain {
            guest: *self,
            first,
            slots,
            next: Some(next),
            panic: None,
        })
    }
}

impl GuestRef {
    fn enter(self, mut chain: Chain<'_>) -> Result<(), Interruption> {
        let pointer = NonNull::from(&mut chain).cast::<Chain<'static>>();
        let config = VMConfig {
            wasm_stack_size: Some(STACK_BYTES),
        };
        // SAFETY: the closure holds plain data, so nothing is leaked when a trap abandons it; the chain outlives the
        // call, on this thread.
        let enter = || unsafe { catch_traps(None, &config, move || Chain::run(pointer)) };
        match (catch_unwind(AssertUnwindSafe(enter)), chain.panic) {
            (Err(panic), _) | (Ok(_), Some(panic)) => Err(Interruption::Fault(panic_text(&*panic))),
            (Ok(Ok(())), None) => Ok(()),
            (Ok(Err(trap)), None) => Err(trap::of_call(trap, &self.cells().module.prepared)),
        }
    }
}

/// A chain of calls, lent to the guest's stack.
struct Chain<'a> {
    guest: GuestRef,
    first: FunctionId,
    slots: &'a mut [Slot],
    next: Option<&'a mut Next<'a>>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Chain<'_> {
    /// Makes the calls. Runs on the guest's stack: a trap ends it anywhere without running destructors, so nothing here
    /// has one, and decisions are taken on the host's stack.
    ///
    /// # Safety
    /// The chain must be alive and used by nobody else, inside `catch_traps`.
    unsafe fn run(chain: NonNull<Self>) {
        // SAFETY: the caller lends the chain for this call.
        let chain = unsafe { &mut *chain.as_ptr() };
        let mut function = Some(chain.first);
        while let Some(FunctionId(id)) = function {
            let function_of_guest = chain.guest.cells().functions[id as usize];
            // SAFETY: the function belongs to the living store; its trampoline reads as many 16-byte values from the
            // slots as it has parameters and writes as many as it has results, and the caller of `call_chain` provides
            // the longer of both.
            unsafe {
                (function_of_guest.call_trampoline)(
                    function_of_guest.vmctx.vmctx,
                    function_of_guest.func_ptr,
                    chain.slots.as_mut_ptr().cast(),
                );
            }
            function = chain
                .next
                .is_some()
                .then(|| on_host_stack(|| chain.decide()))
                .flatten();
        }
    }

    fn decide(&mut self) -> Option<FunctionId> {
        let (mut guest, next) = (self.guest, self.next.as_mut()?);
        let decision = catch_unwind(AssertUnwindSafe(|| next(&mut guest, self.slots)));
        decision.unwrap_or_else(|panic| {
            self.panic = Some(panic);
            None
        })
    }
}
