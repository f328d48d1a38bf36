//! What a prepared module asks of its host: to grow, whether to stop, for more fuel.
//!
//! The functions are ours and the checks of caps are the guest's; see [`aingle_wasm_prepare::reserved`].

use std::sync::atomic::Ordering;

use aingle_wasm_prepare::reserved::{
    GROW_EXTERNS, GROW_FUNCTIONS, GROW_MEMORY, HOOKS, POLL, SLICE,
};
use wasmi::{Caller, ExternRef, Func, Instance, Nullable, Ref, Store};

use super::guest::GuestState;
use super::host;
use crate::backend::{FunctionImport, Interruption};

/// What an operator that grows gives when it is refused.
const REFUSED: i32 = -1;

/// Gives a new instance the functions that it asks for.
pub(super) fn fill(
    store: &mut Store<GuestState>,
    instance: &Instance,
    slice: Option<FunctionImport>,
) -> Result<(), Interruption> {
    let Some(hooks) = instance.get_table(&*store, HOOKS) else {
        return Ok(());
    };
    let mut functions = vec![
        (POLL, Func::wrap(&mut *store, poll)),
        (GROW_MEMORY, Func::wrap(&mut *store, grow_memory)),
        (GROW_FUNCTIONS, Func::wrap(&mut *store, grow_functions)),
        (GROW_EXTERNS, Func::wrap(&mut *store, grow_externs)),
    ];
    if let Some(slice) = slice {
        functions.push((SLICE, host::import(&mut *store, slice)));
    }
    for (element, function) in functions {
        let function = Ref::Func(Nullable::Val(function));
        hooks
            .set(&mut *store, element.into(), function)
            .map_err(|error| Interruption::Fault(format!("{HOOKS}: {error}")))?;
    }
    Ok(())
}

fn poll(caller: Caller<'_, GuestState>) -> i32 {
    caller.data().stop.load(Ordering::Relaxed).into()
}

fn grow_memory(mut caller: Caller<'_, GuestState>, pages: u32) -> i32 {
    let Some(memory) = caller.data().memory else {
        return REFUSED;
    };
    former(memory.grow(&mut caller, pages.into()))
}

fn grow_functions(
    caller: Caller<'_, GuestState>,
    value: Nullable<Func>,
    elements: u32,
    table: u32,
) -> i32 {
    grow_table(caller, table, elements, Ref::Func(value))
}

fn grow_externs(
    caller: Caller<'_, GuestState>,
    value: Nullable<ExternRef>,
    elements: u32,
    table: u32,
) -> i32 {
    grow_table(caller, table, elements, Ref::Extern(value))
}

fn grow_table(mut caller: Caller<'_, GuestState>, table: u32, elements: u32, value: Ref) -> i32 {
    let Some(table) = caller.data().tables.get(table as usize).copied() else {
        return REFUSED;
    };
    former(table.grow(&mut caller, elements.into(), value))
}

/// The former size, which is below 2^31 by the caps of `prepare`.
fn former<E>(grown: Result<u64, E>) -> i32 {
    grown.map_or(REFUSED, |former| (former as u32).cast_signed())
}
