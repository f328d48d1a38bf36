//! Host functions in wasmer's dynamic form: one entry for all types, values in an array.

use std::cell::UnsafeCell;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aingle_wasm_prepare::{FunctionType, ValueType};
use wasmer::sys::vm::{
    MaybeInstanceOwned, StoreHandle, VMCallerCheckedAnyfunc, VMContext, VMDynamicFunctionContext,
    VMExtern, VMFunction, VMFunctionBody, VMFunctionContext, VMFunctionKind, on_host_stack,
    raise_user_trap,
};
use wasmer::{AsStoreMut, Extern, Store, Type, VMExternToExtern};

use super::guest::GuestRef;
use crate::backend::{FunctionImport, HostCall, QuickCall, Stopped};
use crate::value::Slot;

/// Slots that are copied to the stack; a longer list goes to the heap.
const INLINE_SLOTS: usize = 8;

/// What the entry of a host function finds behind its context pointer.
struct HostEntry {
    guest: GuestRef,
    call: HostCall,
    quick: Option<QuickCall>,
    params: usize,
    results: usize,
}

type Context = VMDynamicFunctionContext<HostEntry>;

/// Makes an imported function of a store.
pub(super) fn import(store: &mut Store, guest: GuestRef, import: FunctionImport) -> Extern {
    let form = match import.quick {
        Some(_) => {
            let body = enter_quick as unsafe extern "C" fn(*mut Context, u32, u32) -> u32;
            Form::Typed(body as *const VMFunctionBody)
        }
        None => Form::Dynamic,
    };
    make(store, guest, import, form)
}

/// Makes a function of type `(i64) -> (i64)` that can stand in a table, where a dynamic one cannot.
pub(super) fn hook(store: &mut Store, guest: GuestRef, import: FunctionImport) -> Extern {
    let body = enter_hook as unsafe extern "C" fn(*mut Context, i64) -> i64;
    let form = Form::Typed(body as *const VMFunctionBody);
    make(store, guest, import, form)
}

/// How the guest calls a host function.
enum Form {
    /// Through a trampoline of the engine's that collects the arguments.
    Dynamic,
    /// Directly. The engine does that right for functions of a single result.
    Typed(*const VMFunctionBody),
}

fn make(store: &mut Store, guest: GuestRef, import: FunctionImport, form: Form) -> Extern {
    let signature = function_type(&import.ty);
    let type_index = store.engine().as_sys().register_signature(&signature);
    let entry = HostEntry {
        guest,
        call: import.call,
        quick: import.quick,
        params: import.ty.params.len(),
        results: import.ty.results.len(),
    };
    let (kind, func_ptr) = match form {
        Form::Typed(body) => (VMFunctionKind::Static, body),
        // Filled in by the linker with the trampoline, which calls `address`.
        Form::Dynamic => (VMFunctionKind::Dynamic, std::ptr::null()),
    };
    let address = enter as unsafe extern "C" fn(*mut Context, *mut Slot) as *const VMFunctionBody;
    let context = Box::new(Context {
        address,
        ctx: entry,
    });
    let anyfunc = VMCallerCheckedAnyfunc {
        func_ptr,
        type_index,
        vmctx: VMFunctionContext {
            host_env: std::ptr::from_ref(&*context).cast_mut().cast(),
        },
        call_trampoline,
    };
    let function = VMFunction {
        anyfunc: MaybeInstanceOwned::Host(Box::new(UnsafeCell::new(anyfunc))),
        kind,
        signature,
        host_data: context,
    };
    let handle = StoreHandle::new(store.objects_mut().as_sys_mut(), function);
    VMExtern::Function(handle.internal_handle()).to_extern(store)
}

/// Called by the guest through the engine's trampoline, on the guest's stack.
unsafe extern "C" fn enter(context: *mut Context, values: *mut Slot) {
    // Nothing with a destructor may be alive here when the trap is raised: it would not be dropped.
    let returned = on_host_stack(|| {
        // SAFETY: `context` is the context that `import` made; the store that owns it is alive while its guest runs.
        let entry = unsafe { &(*context).ctx };
        // SAFETY: the engine's trampoline provides `values` for the parameters and the results of this function.
        let run = || unsafe { run(entry, values) };
        // A panic must not unwind into the guest. What a user's function may do is caught and reported before it gets
        // here; the caller reports a stop without a reason as a fault of ours.
        catch_unwind(AssertUnwindSafe(run)).is_ok_and(|result| result.is_ok())
    });
    if !returned {
        // SAFETY: the guest is on the stack, and this frame holds nothing that has a destructor.
        unsafe { raise_user_trap(Box::new(GuestStopped)) }
    }
}

/// Called by the guest directly.
unsafe extern "C" fn enter_quick(context: *mut Context, first: u32, second: u32) -> u32 {
    // SAFETY: as in `enter`.
    let entry = unsafe { &(*context).ctx };
    let mut guest = entry.guest;
    let quick = entry.quick.as_ref();
    if let Some(result) = quick.and_then(|quick| quick(&mut guest, [first, second])) {
        return result;
    }
    let mut values = [Slot::from(first), Slot::from(second)];
    // SAFETY: the function has two parameters and one result, for which there is room.
    unsafe { enter(context, values.as_mut_ptr()) };
    values[0] as u32
}

/// Called by the guest directly.
unsafe extern "C" fn enter_hook(context: *mut Context, value: i64) -> i64 {
    let mut values = [Slot::from(value.cast_unsigned())];
    // SAFETY: the function has one parameter and one result, for which there is room.
    unsafe { enter(context, values.as_mut_ptr()) };
    (values[0] as u64).cast_signed()
}

/// Copies the arguments out, runs the function, copies the results back.
///
/// # Safety
/// `values` must be readable for the entry's parameters and writable for its results.
unsafe fn run(entry: &HostEntry, values: *mut Slot) -> Result<(), Stopped> {
    let count = entry.params.max(entry.results);
    let mut inline = [0; INLINE_SLOTS];
    let mut heap = Vec::new();
    let slots = match inline.get_mut(..count) {
        Some(slots) => slots,
        None => {
            heap.resize(count, 0);
            &mut heap[..]
        }
    };
    for (index, slot) in slots.iter_mut().take(entry.params).enumerate() {
        // SAFETY: `index` is below the number of parameters. The engine promises no alignment.
        *slot = unsafe { values.add(index).read_unaligned() };
    }
    let mut guest = entry.guest;
    (entry.call)(&mut guest, slots)?;
    for (index, slot) in slots.iter().take(entry.results).enumerate() {
        // SAFETY: `index` is below the number of results. The engine promises no alignment.
        unsafe { values.add(index).write_unaligned(*slot) };
    }
    Ok(())
}

/// Calls a host function that the guest exports again, from the host.
///
/// `V` is the engine's value, a 16-byte union that its crate does not name outside.
unsafe extern "C" fn call_trampoline<V>(
    context: *mut VMContext,
    _body: *const VMFunctionBody,
    values: *mut V,
) {
    // SAFETY: a host function's context is the `Context` that `import` made, and `values` has room for its values.
    unsafe { enter(context.cast(), values.cast()) }
}

/// The trap's payload. It is empty because boxing nothing allocates nothing.
#[derive(Debug)]
struct GuestStopped;

impl fmt::Display for GuestStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped by the host")
    }
}

impl Error for GuestStopped {}

fn function_type(ty: &FunctionType) -> wasmer::FunctionType {
    let types = |types: &[ValueType]| types.iter().copied().map(value_type).collect::<Vec<_>>();
    wasmer::FunctionType::new(types(&ty.params), types(&ty.results))
}

fn value_type(ty: ValueType) -> Type {
    match ty {
        ValueType::I32 => Type::I32,
        ValueType::I64 => Type::I64,
        ValueType::F32 => Type::F32,
        ValueType::F64 => Type::F64,
        ValueType::V128 => Type::V128,
        ValueType::FuncRef => Type::FuncRef,
        ValueType::ExternRef => Type::ExternRef,
    }
}
