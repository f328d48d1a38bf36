//! The kernels of guests/kernels, each with the arguments and the result of kernels.json.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::{Origin, Program, Run, Task, here, read};
use crate::engine::{Machine, Value};

#[derive(Deserialize)]
struct Kernel {
    name: String,
    file: String,
    export: String,
    args: Vec<i32>,
    result: Expected,
}

/// As text where it does not fit a JavaScript number.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Expected {
    Number(i64),
    Text(String),
}

/// Kernels that would be over before a call's own cost no longer counts: name, argument and result in place of the list's.
const LONGER: &[(&str, i32, i64)] = &[("queens", 11, 2_680)];

pub(super) fn all() -> Result<Vec<Program>> {
    let folder = here().join("../../guests/kernels");
    let mut kernels: Vec<Kernel> = serde_json::from_slice(&read(&folder.join("kernels.json"))?)?;
    for (name, argument, result) in LONGER {
        if let Some(kernel) = kernels.iter_mut().find(|kernel| kernel.name == *name) {
            kernel.args = vec![*argument];
            kernel.result = Expected::Number(*result);
        }
    }
    kernels
        .into_iter()
        .map(|kernel| {
            Ok(Program {
                name: kernel.name.clone(),
                origin: Origin::Kernel,
                wasm: read(&folder.join(&kernel.file))?,
                task: Box::new(kernel),
            })
        })
        .collect()
}

impl Task for Kernel {
    fn set_up(&self, _machine: &mut dyn Machine) -> Result<Run> {
        let export = self.export.clone();
        let arguments: Vec<Value> = self.args.iter().copied().map(Value::I32).collect();
        let expected = match &self.result {
            Expected::Number(number) => *number,
            Expected::Text(text) => text.parse()?,
        };
        Ok(Box::new(move |machine| {
            match machine.call(&export, &arguments)? {
                Some(Value::I32(result)) if i64::from(result) == expected => {}
                Some(Value::I64(result)) if result == expected => {}
                other => bail!("{export} gives {other:?}, expected {expected}"),
            }
            Ok(expected as u64)
        }))
    }
}
