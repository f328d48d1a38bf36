//! Matches what a module imports with what it was given.

use std::collections::HashMap;
use std::sync::Arc;

use aingle_wasm_prepare::{
    ExternType, FunctionType, GlobalType, Import, MemoryType, ModuleInfo, TableType, ValueType,
};
use aingle_wasm_types::{Phase, abi, meter};

use super::{
    Given, HostFunction, HostMemory, HostTable, Imports, core_call, envelope_call, system,
};
use crate::backend::{
    FunctionImport, GlobalImport, HostCall, HostImport, MemoryImport, TableImport,
};
use crate::error::{ErrorKind, HostError, ImportProblem};
use crate::instance::Session;
use crate::module::takes_bytes;
use crate::suggest;
use crate::value::Value;

/// The engine's caps, to which `prepare` has lowered the maximums of imported memories and tables.
#[derive(Clone, Copy)]
pub(crate) struct Caps {
    /// Pages of a memory.
    pub(crate) memory_pages: u32,
    /// Elements of a table.
    pub(crate) table_elements: u32,
}

/// What every import is given, in order, or one error that names all that do not fit. The maximums of memories and
/// tables become at most `caps`.
pub(crate) fn link(
    info: &ModuleInfo,
    given: &Imports,
    session: &Arc<Session>,
    caps: Caps,
) -> Result<Vec<HostImport>, HostError> {
    let mut linked = Vec::with_capacity(info.imports.len());
    let (mut missing, mut mistyped) = (Vec::new(), Vec::new());
    let mut objects = HashMap::new();
    for import in &info.imports {
        match resolve(import, given, session, caps) {
            Ok(HostImport::Function(function)) => linked.push(HostImport::Function(function)),
            Ok(object) => {
                // An object that is imported twice is one.
                let position = linked.len();
                let first = *objects
                    .entry((&import.module, &import.name))
                    .or_insert(position);
                linked.push(if first == position {
                    object
                } else {
                    HostImport::Again(first)
                });
            }
            Err(problem) if problem.actual.is_none() => missing.push(problem),
            Err(problem) => mistyped.push(problem),
        }
    }
    if !missing.is_empty() {
        return Err(HostError::new(
            Phase::Link,
            ErrorKind::ImportMissing { imports: missing },
        ));
    }
    if !mistyped.is_empty() {
        return Err(HostError::new(
            Phase::Link,
            ErrorKind::ImportType { imports: mistyped },
        ));
    }
    Ok(linked)
}

/// What a sliceable module calls when its fuel is spent.
pub(crate) fn slice(session: &Arc<Session>) -> FunctionImport {
    let session = Arc::clone(session);
    let ty = FunctionType {
        params: vec![ValueType::I64],
        results: vec![ValueType::I64],
    };
    FunctionImport {
        ty,
        call: Box::new(move |guest, slots| {
            let rest = (slots[0] as u64).cast_signed();
            let rest = session.next_slice(guest, rest)?;
            slots[0] = rest.cast_unsigned().into();
            Ok(())
        }),
        quick: None,
    }
}

/// Elements of the tables that were given beyond those that the module asks for.
pub(crate) fn extra_elements(info: &ModuleInfo, given: &Imports) -> u64 {
    let extra = |import: &Import| match (&import.ty, given.get(&import.module, &import.name)) {
        (ExternType::Table(wanted), Some(Given::Table(table))) => {
            table.ty.min.saturating_sub(wanted.min).into()
        }
        _ => 0,
    };
    info.imports.iter().map(extra).sum()
}

/// The memory that a module imports, as it was given.
pub(crate) fn given_memory<'a>(info: &ModuleInfo, given: &'a Imports) -> Option<&'a HostMemory> {
    let import = info
        .imports
        .iter()
        .find(|import| matches!(import.ty, ExternType::Memory(_)))?;
    match given.get(&import.module, &import.name)? {
        Given::Memory(memory) => Some(memory),
        _ => None,
    }
}

fn resolve(
    import: &Import,
    given: &Imports,
    session: &Arc<Session>,
    caps: Caps,
) -> Result<HostImport, ImportProblem> {
    if import.module == abi::SYSTEM_MODULE {
        return of_system(import, session).ok_or_else(|| problem(import, given, None));
    }
    let found = given
        .get(&import.module, &import.name)
        .ok_or_else(|| problem(import, given, None))?;
    match (&import.ty, found) {
        (ExternType::Function(ty), _) => of_user(import, ty, found, session),
        (ExternType::Memory(wanted), Given::Memory(memory)) => {
            of_memory(*wanted, memory, caps.memory_pages)
        }
        (ExternType::Table(wanted), Given::Table(table)) => {
            of_table(*wanted, table, caps.table_elements)
        }
        (ExternType::Global(wanted), Given::Global(global)) if *wanted == global.ty => {
            Ok(HostImport::Global(GlobalImport {
                ty: global.ty,
                value: global.value,
            }))
        }
        _ => Err(describe(found)),
    }
    .map_err(|actual| problem(import, given, Some(actual)))
}

fn of_system(import: &Import, session: &Arc<Session>) -> Option<HostImport> {
    let ExternType::Function(ty) = &import.ty else {
        return None;
    };
    system::function(&import.name, ty, session).map(HostImport::Function)
}

/// The body of a given function, or what was given if that is not what is asked for.
fn of_user(
    import: &Import,
    ty: &FunctionType,
    given: &Given,
    session: &Arc<Session>,
) -> Result<HostImport, String> {
    let call: HostCall = match given {
        Given::Core(HostFunction { ty: Some(own), .. }) if own != ty => return Err(text(own)),
        Given::Core(function) => core_call::body(
            import.name.clone(),
            ty.clone(),
            function.clone(),
            Arc::clone(session),
        ),
        Given::Envelope(call) if takes_bytes(ty) => {
            envelope_call::body(import.name.clone(), Arc::clone(call), Arc::clone(session))
        }
        other => return Err(describe(other)),
    };
    Ok(HostImport::Function(FunctionImport {
        ty: ty.clone(),
        call,
        quick: None,
    }))
}

/// A table fits if it has the element type, and a memory's rule holds for its sizes.
fn of_table(wanted: TableType, given: &HostTable, cap: u32) -> Result<HostImport, String> {
    let TableType { element, min, max } = given.ty;
    let fits = |value: &Value| value.ty() == element;
    let sound = given.contents.len() <= min as usize && given.contents.iter().all(fits);
    let fits = element == wanted.element && sizes_fit((wanted.min, wanted.max), (min, max));
    if !sound || !fits {
        return Err(table_text(given.ty));
    }
    let max = Some(max.map_or(cap, |max| max.min(cap)));
    Ok(HostImport::Table(TableImport {
        ty: TableType { element, min, max },
        contents: Arc::clone(&given.contents),
    }))
}

/// Whether what is given, as minimum and maximum, is a size of its own within what is wanted.
fn sizes_fit(wanted: (u32, Option<u32>), (min, max): (u32, Option<u32>)) -> bool {
    let bounded = wanted
        .1
        .is_none_or(|limit| max.is_some_and(|max| max <= limit));
    bounded && min >= wanted.0 && max.is_none_or(|max| min <= max)
}

/// A memory fits if it is at least as large as is asked for, and cannot outgrow what is asked for.
fn of_memory(wanted: MemoryType, given: &HostMemory, cap: u32) -> Result<HostImport, String> {
    let MemoryType { min, max } = given.ty;
    let sound = given.contents.len() as u64 <= u64::from(min) * u64::from(meter::PAGE_BYTES);
    if !sound || !sizes_fit((wanted.min, wanted.max), (min, max)) {
        return Err(memory_text(given.ty));
    }
    let max = max.map_or(cap, |max| max.min(cap));
    Ok(HostImport::Memory(MemoryImport {
        ty: MemoryType {
            min,
            max: Some(max),
        },
        contents: Arc::clone(&given.contents),
    }))
}

/// The type of host functions of bytes.
const BYTES: &str = "(i32, i32) -> (i64)";

#[cold]
fn problem(import: &Import, given: &Imports, actual: Option<String>) -> ImportProblem {
    let expected = match &import.ty {
        ExternType::Function(ty) => text(ty),
        ExternType::Memory(ty) => memory_text(*ty),
        ExternType::Global(ty) => global_text(*ty),
        ExternType::Table(ty) => table_text(*ty),
    };
    let names: Vec<String> = given.names().collect();
    let asked = format!("{}.{}", import.module, import.name);
    let near = match actual {
        Some(_) => Vec::new(),
        None => suggest::near(&asked, names.iter().map(String::as_str)),
    };
    ImportProblem {
        module: import.module.clone(),
        name: import.name.clone(),
        expected,
        actual,
        near,
    }
}

/// The type of what was given. A function without a type of its own only fits no function.
fn describe(given: &Given) -> String {
    match given {
        Given::Core(HostFunction { ty: Some(ty), .. }) => text(ty),
        Given::Core(_) => "a function".to_owned(),
        Given::Envelope(_) => BYTES.to_owned(),
        Given::Memory(memory) => memory_text(memory.ty),
        Given::Table(table) => table_text(table.ty),
        Given::Global(global) => global_text(global.ty),
    }
}

fn table_text(ty: TableType) -> String {
    let element = ty.element.as_str();
    match ty.max {
        Some(max) => format!("a table of {} to {max} elements of type {element}", ty.min),
        None => format!("a table of {} or more elements of type {element}", ty.min),
    }
}

fn memory_text(ty: MemoryType) -> String {
    match ty.max {
        Some(max) => format!("a memory of {} to {max} pages", ty.min),
        None => format!("a memory of {} or more pages", ty.min),
    }
}

fn global_text(ty: GlobalType) -> String {
    let kind = if ty.mutable { "mutable" } else { "constant" };
    format!("a {kind} global of type {}", ty.value.as_str())
}

/// A function type as `(i32, i64) -> (f64)`.
fn text(ty: &FunctionType) -> String {
    let list = |types: &[ValueType]| {
        types
            .iter()
            .map(|ty| ty.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!("({}) -> ({})", list(&ty.params), list(&ty.results))
}
