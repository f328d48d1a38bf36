//! References and tables of an instance. As in [`crate::hot`], raw Node-API: instances are externals of its kind.

use aingle_wasm_host::{
    CallOptions, FunctionRef, FunctionType, HostError, References, Value, ValueType,
};
use napi::sys;

use crate::convert;
use crate::error::Failure;
use crate::hot::{functions, this};
use crate::instance::Instance;
use crate::js::{Js, Local, entry};

functions! {
    c"exportReference" => export_reference: 2;
    c"functionType" => function_type: 2;
    c"addFunction" => add_function: 5;
    c"callFunction" => call_function: 3;
    c"tableSize" => table_size: 2;
    c"tableGet" => table_get: 3;
    c"tableSet" => table_set: 4;
    c"tableGrow" => table_grow: 4;
    c"heldExterns" => held_externs: 1;
}

fn export_reference(js: Js, [instance, position]: [Local; 2]) -> Result<Local, Failure> {
    let position = js.to_u32(position)?;
    let found = access(js, instance, |mut references| {
        Ok(references.exported_function(position))
    })?;
    convert::to_js(js, Value::FuncRef(found))
}

fn function_type(js: Js, [instance, function]: [Local; 2]) -> Result<Local, Failure> {
    let function = FunctionRef::from_number(js.to_u32(function)?);
    let FunctionType { params, results } = access(js, instance, |mut references| {
        references.function_type(function)
    })?;
    let object = js.object()?;
    for (name, types) in [(c"params", params), (c"results", results)] {
        let list = js.array(types.len())?;
        for (index, ty) in (0..).zip(types) {
            js.set_element(list, index, js.string(ty.as_str())?)?;
        }
        js.set(object, name, list)?;
    }
    Ok(object)
}

fn add_function(
    js: Js,
    [instance, index, params, results, cost]: [Local; 5],
) -> Result<Local, Failure> {
    let ty = convert::function_type(&names(js, params)?, &names(js, results)?)?;
    let cost = js.to_i64(cost)?.cast_unsigned();
    let link = &this(js, instance)?.shared.link;
    let function = link.reference(js.to_u32(index)?, ty, cost);
    let added = access(js, instance, |mut references| {
        references.add_function(&function)
    })?;
    js.uint32(added.number())
}

fn names(js: Js, list: Local) -> Result<Vec<String>, Failure> {
    let names = (0..js.length(list)?).map(|index| js.to_string(js.element(list, index)?));
    names.collect()
}

fn call_function(js: Js, [instance, function, arguments]: [Local; 3]) -> Result<Local, Failure> {
    let function = FunctionRef::from_number(js.to_u32(function)?);
    let instance: &Instance = this(js, instance)?;
    let mut taken = instance.shared.try_use()?;
    let ty = taken.guest().references()?.function_type(function)?;
    let arguments = convert::arguments(js, arguments, &ty.params)?;
    let _depth = instance.runtime.enter()?;
    instance.shared.link.begin_call(0, None);
    let mut results = Vec::new();
    taken
        .guest()
        .call_function(function, &arguments, CallOptions::default(), &mut results)?;
    convert::array(js, &results)
}

fn table_size(js: Js, [instance, table]: [Local; 2]) -> Result<Local, Failure> {
    let table = js.to_u32(table)?;
    let size = access(js, instance, |mut references| references.table_size(table))?;
    js.uint32(size)
}

fn table_get(js: Js, [instance, table, index]: [Local; 3]) -> Result<Local, Failure> {
    let (table, index) = (js.to_u32(table)?, js.to_u32(index)?);
    let value = access(js, instance, |mut references| {
        references.element(table, index)
    })?;
    convert::to_js(js, value)
}

fn table_set(js: Js, [instance, table, index, value]: [Local; 4]) -> Result<Local, Failure> {
    let (table, index) = (js.to_u32(table)?, js.to_u32(index)?);
    let value = convert::from_js(js, value, element_type(js, instance, table)?)?;
    access(js, instance, |mut references| {
        references.set_element(table, index, value)
    })?;
    js.undefined()
}

fn table_grow(js: Js, [instance, table, elements, value]: [Local; 4]) -> Result<Local, Failure> {
    let (table, elements) = (js.to_u32(table)?, js.to_u32(elements)?);
    let value = convert::from_js(js, value, element_type(js, instance, table)?)?;
    let former = access(js, instance, |mut references| {
        references.grow_table(table, elements, value)
    })?;
    js.uint32(former)
}

fn element_type(js: Js, instance: Local, table: u32) -> Result<ValueType, Failure> {
    access(js, instance, |mut references| {
        references.element_type(table)
    })
}

/// The numbers that are held, and behind them how many places were looked at.
fn held_externs(js: Js, [instance]: [Local; 1]) -> Result<Local, Failure> {
    let (held, seen) = access(js, instance, |mut references| Ok(references.held_externs()))?;
    let list = js.array(held.len() + 1)?;
    for (index, number) in (0..).zip(held.into_iter().chain([seen as u32])) {
        js.set_element(list, index, js.uint32(number)?)?;
    }
    Ok(list)
}

/// Uses the references of a guest that is at rest or waits in a host function.
fn access<R>(
    js: Js,
    instance: Local,
    body: impl Fn(References<'_>) -> Result<R, HostError>,
) -> Result<R, Failure> {
    this(js, instance)?.access(
        js,
        |caller| body(caller.references()),
        |guest| body(guest.references()?),
    )
}
