//! The host's side of a prepared module that asks it to grow things and whether to go on, on wasmi.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use aingle_wasm_prepare::reserved;
use aingle_wasm_types::meter;
use wasmi::{Caller, ExternRef, Func, Instance, Nullable, Ref, Store, Val};

/// Fuel that a guest is given when it asks for more.
pub(crate) const SLICE: i64 = 97;

/// Fills the table of hooks of an instance that has one. Nobody is ever asked to stop; more fuel comes from `bank`, a
/// slice at a time, until it is empty.
pub(crate) fn fill<T: 'static>(store: &mut Store<T>, instance: Instance, bank: Arc<AtomicI64>) {
    let Some(hooks) = instance.get_table(&*store, reserved::HOOKS) else {
        return;
    };
    let slice = move |left: i64| {
        let given = SLICE.max(-left).min(bank.load(Relaxed));
        bank.fetch_sub(given, Relaxed);
        left + given
    };
    let functions = [
        (reserved::SLICE, Func::wrap(&mut *store, slice)),
        (reserved::POLL, Func::wrap(&mut *store, || 0i32)),
        (
            reserved::GROW_MEMORY,
            Func::wrap(&mut *store, grow_memory::<T>),
        ),
        (
            reserved::GROW_FUNCTIONS,
            Func::wrap(&mut *store, grow_functions::<T>),
        ),
        (
            reserved::GROW_EXTERNS,
            Func::wrap(&mut *store, grow_externs::<T>),
        ),
    ];
    for (element, function) in functions {
        let hook = Ref::Func(Nullable::Val(function));
        hooks
            .set(&mut *store, element.into(), hook)
            .expect("an element for each hook");
    }
}

/// Makes the guest ask the first time that it can, before each call from outside.
pub(crate) fn arm<T>(store: &mut Store<T>, instance: Instance) {
    for (name, value) in [
        (reserved::THRESHOLD, Val::I64(i64::MAX)),
        (reserved::CONVERTING, Val::I32(0)),
    ] {
        if let Some(global) = instance.get_global(&*store, name) {
            global
                .set(&mut *store, value)
                .expect("reserved globals are mutable numbers");
        }
    }
}

fn grow_memory<T>(mut caller: Caller<'_, T>, pages: u32) -> i32 {
    let memory = caller
        .get_export(meter::MEMORY)
        .and_then(|export| export.into_memory());
    let former = memory.and_then(|memory| memory.grow(&mut caller, pages.into()).ok());
    former.map_or(-1, |pages| pages as i32)
}

fn grow_functions<T>(
    caller: Caller<'_, T>,
    value: Nullable<Func>,
    elements: u32,
    table: u32,
) -> i32 {
    grow_table(caller, value.into(), elements, table)
}

fn grow_externs<T>(
    caller: Caller<'_, T>,
    value: Nullable<ExternRef>,
    elements: u32,
    table: u32,
) -> i32 {
    grow_table(caller, value.into(), elements, table)
}

fn grow_table<T>(mut caller: Caller<'_, T>, value: Ref, elements: u32, table: u32) -> i32 {
    let export = caller.get_export(&format!("{}{table}", reserved::TABLE));
    let table = export.and_then(|export| export.into_table());
    let former = table.and_then(|table| table.grow(&mut caller, elements.into(), value).ok());
    former.map_or(-1, |elements| elements as i32)
}
