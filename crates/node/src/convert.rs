//! Core values to JavaScript values and back. `native.ts` has checked types before; here a wrong one is our bug.

use aingle_wasm_host::{FunctionRef, FunctionType, Value, ValueType};

use crate::error::Failure;
use crate::js::{Js, Local};

/// One value: `i32`, `f32` and `f64` as numbers, `i64` as a bigint, a vector as its bytes, a reference as its number or null.
pub(crate) fn to_js(js: Js, value: Value) -> Result<Local, Failure> {
    match value {
        Value::I32(value) => js.int32(value),
        Value::I64(value) => js.bigint_i64(value),
        Value::F32(bits) => js.number(f32::from_bits(bits).into()),
        Value::F64(bits) => js.number(f64::from_bits(bits)),
        Value::V128(bytes) => js.bytes(&bytes),
        Value::FuncRef(None) | Value::ExternRef(None) => js.null(),
        Value::FuncRef(Some(function)) => js.uint32(function.number()),
        Value::ExternRef(Some(number)) => js.uint32(number),
        _ => Err(Failure::Internal("a value of an unknown type".to_owned())),
    }
}

/// Reads a value as one of type `ty`. Numbers wrap and round as ToInt32, ToBigInt64 and Math.fround do.
pub(crate) fn from_js(js: Js, local: Local, ty: ValueType) -> Result<Value, Failure> {
    Ok(match ty {
        ValueType::I32 => Value::I32(js.to_i32(local)?),
        ValueType::I64 => Value::I64(js.to_i64(local)?),
        ValueType::F32 => Value::F32((js.to_f64(local)? as f32).to_bits()),
        ValueType::F64 => Value::F64(js.to_f64(local)?.to_bits()),
        ValueType::V128 => {
            // SAFETY: nothing runs before the bytes are copied.
            let bytes = unsafe { js.slice(local) }?;
            Value::V128(
                bytes
                    .try_into()
                    .map_err(|_| Failure::Argument("16 bytes"))?,
            )
        }
        ValueType::FuncRef | ValueType::ExternRef if js.is_null(local)? => Value::zero(ty),
        ValueType::FuncRef => Value::FuncRef(Some(FunctionRef::from_number(js.to_u32(local)?))),
        ValueType::ExternRef => Value::ExternRef(Some(js.to_u32(local)?)),
    })
}

/// A value of the type of this name from its bits, those above the type's width ignored. For a reference they are 0 or its
/// number plus 1.
pub(crate) fn from_bits(ty: &str, bits: u128) -> Result<Value, Failure> {
    Ok(match ty {
        "i32" => Value::I32((bits as u32).cast_signed()),
        "i64" => Value::I64((bits as u64).cast_signed()),
        "f32" => Value::F32(bits as u32),
        "f64" => Value::F64(bits as u64),
        "v128" => Value::V128(bits.to_le_bytes()),
        "externref" => Value::ExternRef(reference_number(bits)),
        "funcref" => Value::FuncRef(reference_number(bits).map(FunctionRef::from_number)),
        _ => return Err(Failure::Argument("a type of values")),
    })
}

fn reference_number(bits: u128) -> Option<u32> {
    bits.checked_sub(1).map(|number| number as u32)
}

/// The type of this name.
pub(crate) fn value_type(name: &str) -> Result<ValueType, Failure> {
    const TYPES: [ValueType; 7] = [
        ValueType::I32,
        ValueType::I64,
        ValueType::F32,
        ValueType::F64,
        ValueType::V128,
        ValueType::FuncRef,
        ValueType::ExternRef,
    ];
    let found = TYPES.into_iter().find(|ty| ty.as_str() == name);
    found.ok_or(Failure::Argument("a type of values"))
}

/// A function type from the names of its values' types.
pub(crate) fn function_type(
    params: &[String],
    results: &[String],
) -> Result<FunctionType, Failure> {
    let types = |names: &[String]| {
        names
            .iter()
            .map(|name| value_type(name))
            .collect::<Result<_, _>>()
    };
    Ok(FunctionType {
        params: types(params)?,
        results: types(results)?,
    })
}

/// Several values as an array.
pub(crate) fn array(js: Js, values: &[Value]) -> Result<Local, Failure> {
    let array = js.array(values.len())?;
    for (index, value) in (0..).zip(values) {
        js.set_element(array, index, to_js(js, *value)?)?;
    }
    Ok(array)
}

/// Results as a function gives them: nothing, the one value, or an array.
pub(crate) fn results(js: Js, values: &[Value]) -> Result<Local, Failure> {
    match values {
        [] => js.undefined(),
        [value] => to_js(js, *value),
        several => array(js, several),
    }
}

/// Reads what [`results`] writes, by the types that `values` have before.
pub(crate) fn read_results(js: Js, local: Local, values: &mut [Value]) -> Result<(), Failure> {
    match values {
        [] => {}
        [value] => *value = from_js(js, local, value.ty())?,
        several => {
            for (index, value) in (0..).zip(several) {
                *value = from_js(js, js.element(local, index)?, value.ty())?;
            }
        }
    }
    Ok(())
}

/// Reads an array of arguments of these types.
pub(crate) fn arguments(js: Js, array: Local, types: &[ValueType]) -> Result<Vec<Value>, Failure> {
    (0..)
        .zip(types)
        .map(|(index, ty)| from_js(js, js.element(array, index)?, *ty))
        .collect()
}
