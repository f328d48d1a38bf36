//! Matches what a module imports with what it was given.

use std::sync::Arc;

use aingle_wasm_prepare::{ExternType, FunctionType, Import, ModuleInfo, ValueType};
use aingle_wasm_types::{Phase, abi};

use super::{Given, HostFunction, Imports, core_call, envelope_call, system};
use crate::backend::{HostCall, HostImport};
use crate::error::{ErrorKind, HostError, ImportProblem};
use crate::instance::Session;
use crate::module::takes_bytes;
use crate::suggest;

/// The functions for every import, in order, or one error that names all that do not fit.
pub(crate) fn link(
    info: &ModuleInfo,
    given: &Imports,
    session: &Arc<Session>,
) -> Result<Vec<HostImport>, HostError> {
    let mut linked = Vec::with_capacity(info.imports.len());
    let (mut missing, mut mistyped) = (Vec::new(), Vec::new());
    for import in &info.imports {
        match resolve(import, given, session) {
            Ok(function) => linked.push(function),
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

fn resolve(
    import: &Import,
    given: &Imports,
    session: &Arc<Session>,
) -> Result<HostImport, ImportProblem> {
    let ExternType::Function(ty) = &import.ty else {
        return Err(problem(import, given, None));
    };
    let call = if import.module == abi::SYSTEM_MODULE {
        system::function(&import.name, ty, session)
    } else {
        let found = given.get(&import.module, &import.name);
        found
            .map(|found| of_user(import, ty, found, session))
            .transpose()
            .map_err(|actual| problem(import, given, Some(actual)))?
    };
    match call {
        Some(call) => Ok(HostImport {
            ty: ty.clone(),
            call,
        }),
        None => Err(problem(import, given, None)),
    }
}

/// The body of a given function, or its type if that is not what is asked for.
fn of_user(
    import: &Import,
    ty: &FunctionType,
    given: &Given,
    session: &Arc<Session>,
) -> Result<HostCall, String> {
    match given {
        Given::Core(HostFunction { ty: Some(own), .. }) if own != ty => Err(text(own)),
        Given::Core(function) => Ok(core_call::body(
            import.name.clone(),
            ty.clone(),
            function.clone(),
            Arc::clone(session),
        )),
        Given::Envelope(_) if !takes_bytes(ty) => Err(BYTES.to_owned()),
        Given::Envelope(call) => Ok(envelope_call::body(
            import.name.clone(),
            Arc::clone(call),
            Arc::clone(session),
        )),
    }
}

/// The type of host functions of bytes.
const BYTES: &str = "(i32, i32) -> (i64)";

#[cold]
fn problem(import: &Import, given: &Imports, actual: Option<String>) -> ImportProblem {
    let expected = match &import.ty {
        ExternType::Function(ty) => text(ty),
        other => other.kind().to_owned(),
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
