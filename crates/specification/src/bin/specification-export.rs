//! Writes the suite as JSON and `.wasm` files into a folder, for runners that are not written in Rust: one folder for
//! each script, with `script.json` and its modules, and `exclusions.json` beside them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, error, fs};

use aingle_wasm_specification::{Exclusions, Group, Script, read_suite, script_to_json};
use serde_json::{Value as Json, json};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: specification-export <folder>");
        return ExitCode::from(2);
    };
    match export(&folder) {
        Ok(scripts) => {
            println!("{scripts} scripts");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn export(folder: &Path) -> Result<usize, Box<dyn error::Error>> {
    let scripts = read_suite(&[Group::Core, Group::Simd])?;
    for script in &scripts {
        export_script(&folder.join(script.name.trim_end_matches(".wast")), script)?;
    }
    write_json(&folder.join("exclusions.json"), &exclusions())?;
    Ok(scripts.len())
}

fn export_script(folder: &Path, script: &Script) -> Result<(), Box<dyn error::Error>> {
    fs::create_dir_all(folder)?;
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
