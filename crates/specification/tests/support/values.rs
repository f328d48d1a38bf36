//! Values of the scripts as values of wasmi, and back.

use aingle_wasm_specification::{ReferenceType, Value};
use aingle_wasm_types::TrapKind;
use wasmi::{ExternRef, F32, F64, Nullable, Store, TrapCode, V128, Val};

/// A value for the engine. External objects are made anew.
///
/// # Panics
/// Panics for a function that is not null, which nobody can name.
pub(crate) fn lower<T>(store: &mut Store<T>, value: &Value) -> Val {
    match *value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
        Value::V128(bytes) => Val::V128(V128::from(u128::from_le_bytes(bytes))),
        Value::Null(ReferenceType::Func) => Val::FuncRef(Nullable::Null),
        Value::Null(ReferenceType::Extern) => Val::ExternRef(Nullable::Null),
        Value::FuncRef => panic!("a function cannot be passed by value"),
        Value::ExternRef(number) => Val::ExternRef(Nullable::Val(ExternRef::new(store, number))),
    }
}

/// A value of the engine.
pub(crate) fn lift<T>(store: &Store<T>, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::V128(value) => Value::V128(value.as_u128().to_le_bytes()),
        Val::FuncRef(Nullable::Null) => Value::Null(ReferenceType::Func),
        Val::FuncRef(Nullable::Val(_)) => Value::FuncRef,
        Val::ExternRef(Nullable::Null) => Value::Null(ReferenceType::Extern),
        Val::ExternRef(Nullable::Val(object)) => {
            let number = object.data(store).downcast_ref::<u32>();
            Value::ExternRef(*number.expect("every external object here is a number"))
        }
    }
}

/// The kind of an ordinary trap; `None` for an engine's own stops.
pub(crate) fn trap_kind(code: TrapCode) -> Option<TrapKind> {
    Some(match code {
        TrapCode::UnreachableCodeReached => TrapKind::Unreachable,
        TrapCode::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull | TrapCode::BadSignature => TrapKind::IndirectCallMismatch,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::BadConversionToInteger => TrapKind::FloatToInteger,
        _ => return None,
    })
}
