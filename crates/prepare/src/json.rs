//! The JSON that crosses to JavaScript: configuration in, description and errors out. Both JavaScript backends parse
//! the same text, so what they show is equal by construction.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::{
    Costs, ErrorKind, ExternType, FunctionType, ModuleInfo, PrepareConfig, PrepareError, ValueType,
};

/// Reads a configuration: camel-case keys as in the options, absent ones at their defaults.
///
/// # Errors
/// - What the JSON parser says, if the text is no JSON, a key is unknown or a value is not an integer in range.
pub fn config_from_json(text: &str) -> Result<PrepareConfig, serde_json::Error> {
    serde_json::from_str(text)
}

/// The description as an object `{ imports, exports, customSections, functions, hasStart, memory?, tableElements, exportIndices, references }`,
/// with imports and exports shaped like `module.imports` and `module.exports` of the JavaScript interface. `references` is
/// `{ types, functions }`, where `functions` are pairs of an index and a position in `types`.
#[must_use]
pub fn info_to_json(info: &ModuleInfo) -> String {
    let imports = info.imports.iter().map(|import| {
        let mut entry = described(&import.ty);
        entry.insert("module".into(), import.module.as_str().into());
        entry.insert("name".into(), import.name.as_str().into());
        Value::Object(entry)
    });
    let exports = info.exports.iter().map(|export| {
        let mut entry = described(&export.ty);
        entry.insert("name".into(), export.name.as_str().into());
        Value::Object(entry)
    });
    let custom_sections = info.custom_sections.iter().map(
        |section| json!({ "name": section.name, "start": section.range.start, "end": section.range.end }),
    );
    let mut object = json!({
        "imports": imports.collect::<Vec<_>>(),
        "exports": exports.collect::<Vec<_>>(),
        "customSections": custom_sections.collect::<Vec<_>>(),
        "functions": info.functions,
        "hasStart": info.has_start,
        "tableElements": info.table_elements,
        "exportIndices": info.export_indices,
        "references": references(&info.references),
    });
    if let Some(memory) = info.memory {
        object["memory"] = limits(Map::new(), memory.min, memory.max);
    }
    object.to_string()
}

/// The error as an object `{ code, message, details }`; `details.reason` is [`PrepareError::reason`], where there is one.
#[must_use]
pub fn error_to_json(error: &PrepareError) -> String {
    let mut details = match *error.kind() {
        ErrorKind::Malformed { offset, .. } | ErrorKind::Invalid { offset, .. } => {
            json!({ "offset": offset })
        }
        ErrorKind::FeatureDisabled {
            feature, offset, ..
        } => json!({ "feature": feature, "offset": offset }),
        ErrorKind::TooComplex { cap, value, max } => {
            json!({ "cap": cap, "value": value, "max": max })
        }
        ErrorKind::MemoryLimit { limit, value } | ErrorKind::TableLimit { limit, value } => {
            json!({ "limit": limit, "value": value })
        }
    };
    if let Some(reason) = error.reason() {
        details["reason"] = reason.into();
    }
    json!({ "code": error.code().as_str(), "message": error.to_string(), "details": details })
        .to_string()
}

impl<'de> serde::Deserialize<'de> for Costs {
    /// An object of weights by operator.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut costs = Self::default();
        for (operator, weight) in BTreeMap::<String, u32>::deserialize(deserializer)? {
            costs.set(&operator, weight).map_err(|error| {
                serde::de::Error::custom(format_args!("costs.{operator}: {error}"))
            })?;
        }
        Ok(costs)
    }
}

fn described(ty: &ExternType) -> Map<String, Value> {
    let inner = match ty {
        ExternType::Function(function) => function_type(function),
        ExternType::Memory(memory) => limits(Map::new(), memory.min, memory.max),
        ExternType::Table(table) => {
            let element = Map::from_iter([("element".to_owned(), table.element.as_str().into())]);
            limits(element, table.min, table.max)
        }
        ExternType::Global(global) => {
            json!({ "value": global.value.as_str(), "mutable": global.mutable })
        }
    };
    Map::from_iter([
        ("kind".to_owned(), ty.kind().into()),
        ("type".to_owned(), inner),
    ])
}

fn references<'a>(references: &'a [(u32, FunctionType)]) -> Value {
    let mut positions = HashMap::new();
    let mut types = Vec::new();
    let mut position = |ty: &'a FunctionType| {
        *positions
            .entry(ty)
            .or_insert_with_key(|ty: &&FunctionType| {
                types.push(function_type(ty));
                types.len() - 1
            })
    };
    let functions: Vec<_> = references
        .iter()
        .map(|(index, ty)| json!([index, position(ty)]))
        .collect();
    json!({ "types": types, "functions": functions })
}

fn function_type(ty: &FunctionType) -> Value {
    json!({ "params": names(&ty.params), "results": names(&ty.results) })
}

/// Reads a function type as the description has them.
///
/// # Errors
/// - What the JSON parser says, if the text is not that.
pub fn function_type_from_json(text: &str) -> Result<FunctionType, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Lists {
        params: Vec<ValueType>,
        results: Vec<ValueType>,
    }
    let Lists { params, results } = serde_json::from_str(text)?;
    Ok(FunctionType { params, results })
}

/// `max` is left out, not null, where none is declared.
fn limits(mut object: Map<String, Value>, min: u32, max: Option<u32>) -> Value {
    object.insert("min".into(), min.into());
    if let Some(max) = max {
        object.insert("max".into(), max.into());
    }
    Value::Object(object)
}

fn names(types: &[ValueType]) -> Vec<&'static str> {
    types.iter().map(|ty| ty.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Growth, Interruption, prepare};

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn configuration_takes_defaults_for_what_is_absent_and_refuses_what_is_unknown() {
        let config = config_from_json(r#"{"complexity":{"bodyBytes":5},"memoryPages":7}"#).unwrap();
        let mut expected = PrepareConfig {
            memory_pages: 7,
            ..PrepareConfig::default()
        };
        expected.complexity.body_bytes = 5;
        assert_eq!(config, expected);
        let config =
            config_from_json(r#"{"costs":{"i32.add":3},"interruption":"floors","growth":"host"}"#)
                .unwrap();
        let mut expected = PrepareConfig {
            interruption: Interruption::Floors,
            growth: Growth::Host,
            ..PrepareConfig::default()
        };
        expected.costs.set("i32.add", 3).unwrap();
        assert_eq!(config, expected);
        for text in [
            r#"{"costs":{"i32.plus":3}}"#,
            r#"{"costs":{"i32.add":0}}"#,
            r#"{"interruption":"never"}"#,
            r#"{"memorypages":7}"#,
            r#"{"complexity":{"bodies":1}}"#,
            r#"{"memoryPages":-1}"#,
            r#"{"memoryPages":1.5}"#,
            "[",
        ] {
            assert!(config_from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_description_has_the_shape_of_the_interface() {
        let wasm = wat::parse_str(
            r#"(module
              (import "env" "f" (func $f (param i32 i64) (result f32 f64)))
              (import "env" "g" (global $g (mut v128)))
              (memory (export "m") 1) (table (export "t") 2 3 externref)
              (export "f" (func $f)) (start $s) (func $s)
              (@custom "c" "abc"))"#,
        )
        .unwrap();
        let prepared = prepare(&wasm, &PrepareConfig::default()).unwrap();
        let info = parsed(&info_to_json(&prepared.info));
        let function = json!({ "params": ["i32", "i64"], "results": ["f32", "f64"] });
        assert_eq!(
            info["imports"],
            json!([
                { "module": "env", "name": "f", "kind": "function", "type": function },
                { "module": "env", "name": "g", "kind": "global", "type": { "value": "v128", "mutable": true } },
            ])
        );
        assert_eq!(
            info["exports"],
            json!([
                { "name": "m", "kind": "memory", "type": { "min": 1 } },
                { "name": "t", "kind": "table", "type": { "element": "externref", "min": 2, "max": 3 } },
                { "name": "f", "kind": "function", "type": function },
            ])
        );
        let section = &info["customSections"][0];
        let range =
            section["start"].as_u64().unwrap() as usize..section["end"].as_u64().unwrap() as usize;
        assert_eq!(
            (section["name"].as_str(), &wasm[range]),
            (Some("c"), &b"abc"[..])
        );
        assert_eq!(info["hasStart"], true);
        assert_eq!(info["memory"], json!({ "min": 1 }));
        assert_eq!(info["tableElements"], 2);
    }

    #[test]
    fn an_error_carries_its_numbers_and_its_text() {
        let error = prepare(b"\0asm\x01\0\0\0\xff", &PrepareConfig::default()).unwrap_err();
        let object = parsed(&error_to_json(&error));
        assert_eq!(object["code"], "ERR_MODULE_MALFORMED");
        assert!(object["details"]["offset"].is_u64());
        let reason = object["details"]["reason"].as_str().unwrap();
        assert!(object["message"].as_str().unwrap().ends_with(reason));

        let config = PrepareConfig {
            memory_pages: 1,
            ..PrepareConfig::default()
        };
        let error = prepare(&wat::parse_str("(module (memory 2))").unwrap(), &config).unwrap_err();
        let object = parsed(&error_to_json(&error));
        assert_eq!(
            object["details"],
            json!({ "limit": 65_536, "value": 131_072 })
        );
    }
}
