//! Scripts as JSON, for runners that are not written in Rust. Modules are files beside it, named by the caller.
//!
//! Numbers are their bits as unsigned decimal text, because JSON has no 64-bit integers and no NaNs.

use serde_json::{Value as Json, json};

use crate::command::{Action, ActionKind, CommandKind};
use crate::suite::Script;
use crate::value::{Expected, FloatPattern, ReferenceType, Value, VectorPattern};

/// A script as JSON. `file_of` keeps a module's bytes and answers the name by which the JSON means them.
pub fn script_to_json(script: &Script, mut file_of: impl FnMut(&[u8]) -> String) -> Json {
    let commands: Vec<Json> = script
        .commands
        .iter()
        .map(|command| {
            let mut json = kind(&command.kind, &mut file_of);
            json["line"] = command.line.into();
            json
        })
        .collect();
    json!({
        "group": script.group.name(),
        "name": script.name,
        "textOnly": script.text_only,
        "commands": commands,
    })
}

fn kind(kind: &CommandKind, file_of: &mut impl FnMut(&[u8]) -> String) -> Json {
    match kind {
        CommandKind::Module { name, wasm } => {
            json!({ "kind": "module", "name": name, "wasm": file_of(wasm) })
        }
        CommandKind::Definition { wasm } => json!({ "kind": "definition", "wasm": file_of(wasm) }),
        CommandKind::Register { instance, module } => {
            json!({ "kind": "register", "instance": instance, "module": module })
        }
        CommandKind::Perform(of) => json!({ "kind": "perform", "action": action(of) }),
        CommandKind::AssertReturn {
            action: of,
            expected: results,
        } => {
            let results: Vec<Json> = results.iter().map(expected).collect();
            json!({ "kind": "assertReturn", "action": action(of), "expected": results })
        }
        CommandKind::AssertTrap {
            action: of,
            message,
        } => {
            json!({ "kind": "assertTrap", "action": action(of), "message": message })
        }
        CommandKind::AssertExhaustion { action: of } => {
            json!({ "kind": "assertExhaustion", "action": action(of) })
        }
        CommandKind::AssertModuleTrap { wasm, message } => {
            json!({ "kind": "assertModuleTrap", "wasm": file_of(wasm), "message": message })
        }
        CommandKind::AssertUnlinkable { wasm } => {
            json!({ "kind": "assertUnlinkable", "wasm": file_of(wasm) })
        }
        CommandKind::AssertRefused { wasm, message, .. } => {
            json!({ "kind": "assertRefused", "wasm": file_of(wasm), "message": message })
        }
        CommandKind::Other(what) => json!({ "kind": "other", "what": what }),
    }
}

fn action(action: &Action) -> Json {
    let arguments: Option<Vec<Json>> = match &action.kind {
        ActionKind::Invoke(arguments) => Some(arguments.iter().map(value).collect()),
        ActionKind::Get => None,
    };
    json!({ "instance": action.instance, "export": action.export, "arguments": arguments })
}

fn value(value: &Value) -> Json {
    match value {
        Value::I32(bits) => number("i32", bits),
        Value::I64(bits) => number("i64", bits),
        Value::F32(bits) => number("f32", bits),
        Value::F64(bits) => number("f64", bits),
        Value::V128(bytes) => number("v128", &u128::from_le_bytes(*bytes)),
        Value::Null(ReferenceType::Func) => json!({ "type": "funcref", "null": true }),
        Value::Null(ReferenceType::Extern) => json!({ "type": "externref", "null": true }),
        Value::FuncRef => json!({ "type": "funcref", "null": false }),
        Value::ExternRef(object) => json!({ "type": "externref", "null": false, "object": object }),
    }
}

fn number(ty: &str, bits: &impl ToString) -> Json {
    json!({ "type": ty, "bits": bits.to_string() })
}

fn expected(expected: &Expected) -> Json {
    match expected {
        Expected::Exactly(exact) => value(exact),
        Expected::F32(pattern) => float("f32", *pattern),
        Expected::F64(pattern) => float("f64", *pattern),
        Expected::V128(VectorPattern::F32x4(lanes)) => lanes_of("f32", lanes),
        Expected::V128(VectorPattern::F64x2(lanes)) => lanes_of("f64", lanes),
        Expected::AnyNull => json!({ "null": true }),
        Expected::AnyExternRef => json!({ "type": "externref", "null": false }),
        Expected::Either(cases) => {
            json!({ "either": cases.iter().map(self::expected).collect::<Vec<_>>() })
        }
    }
}

fn float<Bits: ToString>(ty: &str, pattern: FloatPattern<Bits>) -> Json {
    match pattern {
        FloatPattern::Bits(bits) => number(ty, &bits),
        FloatPattern::CanonicalNan => json!({ "type": ty, "nan": "canonical" }),
        FloatPattern::ArithmeticNan => json!({ "type": ty, "nan": "arithmetic" }),
    }
}

fn lanes_of<Bits: ToString + Copy>(ty: &str, lanes: &[FloatPattern<Bits>]) -> Json {
    json!({ "type": "v128", "lanes": lanes.iter().map(|lane| float(ty, *lane)).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Group, SuiteFile};

    #[test]
    fn bits_are_text_and_modules_are_files() {
        let text = r#"(module $m (func))
            (assert_return (invoke $m "f" (i64.const -1) (ref.extern 3)) (f32.const nan:canonical) (f64.const -0))
            (assert_return (get "g") (v128.const f64x2 nan:arithmetic 1))"#;
        let file = SuiteFile {
            group: Group::Core,
            name: "test.wast".to_owned(),
            text,
        };
        let mut files = Vec::new();
        let json = script_to_json(&Script::read(&file).unwrap(), |wasm| {
            files.push(wasm.to_vec());
            format!("{}.wasm", files.len())
        });
        assert_eq!(
            json["commands"][0],
            json!({ "kind": "module", "name": "m", "wasm": "1.wasm", "line": 1 })
        );
        let call = &json["commands"][1];
        let arguments = json!([{ "type": "i64", "bits": "18446744073709551615" }, { "type": "externref", "null": false, "object": 3 }]);
        assert_eq!(
            call["action"],
            json!({ "instance": "m", "export": "f", "arguments": arguments })
        );
        let results = json!([{ "type": "f32", "nan": "canonical" }, { "type": "f64", "bits": "9223372036854775808" }]);
        assert_eq!(call["expected"], results);
        let read = &json["commands"][2];
        assert_eq!(read["action"]["arguments"], Json::Null);
        let lanes = json!([{ "type": "f64", "nan": "arithmetic" }, { "type": "f64", "bits": "4607182418800017408" }]);
        assert_eq!(
            read["expected"],
            json!([{ "type": "v128", "lanes": lanes }])
        );
        assert_eq!(files.len(), 1);
    }
}
