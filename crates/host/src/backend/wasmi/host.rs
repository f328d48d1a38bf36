//! Host functions: slots for values, and nothing that unwinds into the interpreter.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmi::{AsContextMut, Caller, Error, Func, Val};

use super::guest::{GuestState, WasmiGuest};
use super::trap::GuestStopped;
use super::values;
use crate::backend::{FunctionImport, HostCall, Stopped};
use crate::value::Slot;

/// Slots that are kept on the stack; a longer list goes to the heap.
const INLINE_SLOTS: usize = 8;

/// Makes an imported function of a store.
pub(super) fn import(store: impl AsContextMut<Data = GuestState>, import: FunctionImport) -> Func {
    let ty = values::func_type(&import.ty);
    let call = import.call;
    Func::new(
        store,
        ty,
        move |caller: Caller<'_, GuestState>, params: &[Val], results: &mut [Val]| {
            let run = || run(&call, caller, params, results);
            // A panic in the interpreter's functions would end the process. What a user's function may do is caught and
            // reported before it gets here; the caller reports a stop without a reason as a fault of ours.
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(Stopped)) | Err(_) => Err(Error::host(GuestStopped)),
            }
        },
    )
}

fn run(
    call: &HostCall,
    mut caller: Caller<'_, GuestState>,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), Stopped> {
    let count = params.len().max(results.len());
    let mut inline: [Slot; INLINE_SLOTS] = [0; INLINE_SLOTS];
    let mut heap = Vec::new();
    let slots = match inline.get_mut(..count) {
        Some(slots) => slots,
        None => {
            heap.resize(count, 0);
            &mut heap[..]
        }
    };
    for (slot, value) in slots.iter_mut().zip(params) {
        *slot = values::lift(value, &mut caller);
    }
    let mut guest = WasmiGuest(caller);
    call(&mut guest, slots)?;
    for (result, slot) in results.iter_mut().zip(slots) {
        *result = values::lower(*slot, result.ty(), &mut guest.0);
    }
    Ok(())
}
