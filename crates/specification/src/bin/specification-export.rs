//! Writes what runners in other languages need into an empty folder: the suite, as a folder for each script with
//! `script.json` and its modules, and `exclusions.json`; or `<seed>.wasm`, modules made of seeds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, error, fs};

use aingle_wasm_specification::{
    Exclusions, Group, ImportedTypes, Script, generate, read_suite, script_to_json,
};
use serde_json::{Value as Json, json};

const USAGE: &str = "usage: specification-export suite <folder>
       specification-export generated <folder> <first seed> <modules>";

fn main() -> ExitCode {
    match export() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn export() -> Result<(), Box<dyn error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["suite", folder] => export_suite(&empty_folder(folder)?),
        ["generated", folder, first_seed, modules] => export_generated(
            &empty_folder(folder)?,
            first_seed.parse()?,
            modules.parse()?,
        ),
        _ => Err(USAGE.into()),
    }
}

fn export_suite(folder: &Path) -> Result<(), Box<dyn error::Error>> {
    for script in read_suite(&[Group::Core, Group::Simd])? {
        export_script(&folder.join(script.name.trim_end_matches(".wast")), &script)?;
    }
    write_json(&folder.join("exclusions.json"), &exclusions())
}

fn export_generated(
    folder: &Path,
    first_seed: u64,
    modules: u64,
) -> Result<(), Box<dyn error::Error>> {
    for seed in first_seed..first_seed.saturating_add(modules) {
        fs::write(
            folder.join(format!("{seed}.wasm")),
            generate(seed, ImportedTypes::Numbers),
        )?;
    }
    Ok(())
}

/// A folder in which nothing is left of an earlier run.
fn empty_folder(folder: &str) -> Result<PathBuf, Box<dyn error::Error>> {
    let folder = PathBuf::from(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn export_script(folder: &Path, script: &Script) -> Result<(), Box<dyn error::Error>> {
    fs::create_dir(folder)?;
    let mut modules = Vec::new();
    let json = script_to_json(script, |wasm| {
        modules.push(wasm.to_vec());
        format!("{}.wasm", modules.len())
    });
    for (position, wasm) in modules.iter().enumerate() {
        fs::write(folder.join(format!("{}.wasm", position + 1)), wasm)?;
    }
    write_json(&folder.join("script.json"), &json)
}

fn write_json(file: &Path, json: &Json) -> Result<(), Box<dyn error::Error>> {
    Ok(fs::write(file, serde_json::to_vec(json)?)?)
}

fn exclusions() -> Json {
    let committed = Exclusions::committed();
    let rows = committed.rows().iter().map(|row| {
        json!({ "file": row.file, "first": row.lines.start(), "last": row.lines.end(), "reason": row.reason.name() })
    });
    rows.collect()
}
