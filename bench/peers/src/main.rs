//! Compares metered runtimes: what counting costs with `prepare` on wasmer and wasmi, with wasmer's own middleware, and with wasmtime's
//! fuel, on kernels and on real programs. See README.md.

mod engine;
mod measure;
mod program;
mod report;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::measure::{Settings, measure};
use crate::report::{Row, table};

const FULL: Settings = Settings {
    rounds: 11,
    sample: Duration::from_millis(40),
};
const QUICK: Settings = Settings {
    rounds: 1,
    sample: Duration::ZERO,
};

fn main() -> Result<()> {
    let mut settings = FULL;
    let mut only = String::new();
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            None if argument == "--quick" => settings = QUICK,
            Some(("--only", name)) => only = name.to_owned(),
            _ => bail!("unknown argument {argument}; known are --quick and --only=<part of a program's name>"),
        }
    }
    let mut rows = Vec::new();
    for program in program::all()?
        .into_iter()
        .filter(|program| program.name.contains(&only))
    {
        eprintln!("{}", program.name);
        let outcome = measure(&program, settings)?;
        rows.push(Row {
            name: program.name,
            origin: program.origin,
            outcome,
        });
    }
    println!("{}", table(&rows));
    Ok(())
}
