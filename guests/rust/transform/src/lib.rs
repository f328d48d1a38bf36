//! A list of steps, applied to a list of JSON records.

use aingle_wasm_guest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

type Record = Map<String, Value>;

/// What to do with which records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    records: Vec<Record>,
    steps: Vec<Step>,
}

/// One change to every record.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
enum Step {
    /// Gives a field another name.
    Rename { field: String, to: String },
    /// Drops a field.
    Remove { field: String },
    /// Sets a field to a value.
    Set { field: String, value: Value },
    /// Multiplies a number.
    Scale { field: String, by: f64 },
    /// Keeps the records whose field has this value.
    Keep { field: String, equals: Value },
    /// Lifts the fields of nested objects: `{"a":{"b":1}}` becomes `{"a.b":1}`.
    Flatten {},
}

/// Applies the steps in order and returns the records that are left.
#[aingle_export]
fn transform(job: Job) -> Result<Vec<Record>, GuestError<'static>> {
    let mut records = job.records;
    for step in &job.steps {
        records = apply(step, records)?;
    }
    Ok(records)
}

fn apply(step: &Step, records: Vec<Record>) -> Result<Vec<Record>, GuestError<'static>> {
    records
        .into_iter()
        .filter_map(|record| change(step, record).transpose())
        .collect()
}

/// The changed record, or `None` if the step drops it.
fn change(step: &Step, mut record: Record) -> Result<Option<Record>, GuestError<'static>> {
    match step {
        Step::Rename { field, to } => {
            if let Some(value) = record.remove(field) {
                record.insert(to.clone(), value);
            }
        }
        Step::Remove { field } => {
            record.remove(field);
        }
        Step::Set { field, value } => {
            record.insert(field.clone(), value.clone());
        }
        Step::Scale { field, by } => scale(&mut record, field, *by)?,
        Step::Keep { field, equals } => {
            return Ok((record.get(field) == Some(equals)).then_some(record));
        }
        Step::Flatten {} => {
            let mut flat = Record::new();
            flatten("", record, &mut flat);
            record = flat;
        }
    }
    Ok(Some(record))
}

fn scale(record: &mut Record, field: &str, by: f64) -> Result<(), GuestError<'static>> {
    let Some(value) = record.get_mut(field) else {
        return Ok(());
    };
    let number = value.as_f64().ok_or_else(|| {
        wasm_error!(
            GuestErrorKind::Validation,
            "field {field:?} is not a number"
        )
    })?;
    *value = Value::from(number * by);
    Ok(())
}

/// Nesting is bounded, because the JSON reader refuses input nested deeper than 128.
fn flatten(prefix: &str, record: Record, flat: &mut Record) {
    for (name, value) in record {
        let path = match prefix {
            "" => name,
            _ => format!("{prefix}.{name}"),
        };
        match value {
            Value::Object(inner) => flatten(&path, inner, flat),
            value => {
                flat.insert(path, value);
            }
        }
    }
}
