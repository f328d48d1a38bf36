//! Modules between a host and the functions that references stand for, in the form that [`crate`] calls "function
//! references". An engine instantiates them beside a prepared module.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    Module, RefType, TableSection, TableType, TypeSection,
};

use crate::rewrite::adapters::Crossing;
use crate::rewrite::types::{encoded, threaded};
use crate::{Adapters, FunctionType, ValueType};

/// Name of the one export of a bridge, and the module and name of its one import.
pub const NAME: &str = "f";

/// The type in which a reference to a function of type `ty` is called: with the fuel and the depth left behind its
/// parameters, and the fuel left behind its results.
#[must_use]
pub fn reference_type(ty: &FunctionType) -> FunctionType {
    threaded(ty, Some(ValueType::I32))
}

/// The type of a function whose references have the type `reference`; `None` if none has.
#[must_use]
pub fn declared_type(reference: &FunctionType) -> Option<FunctionType> {
    let FunctionType { params, results } = reference;
    let [params @ .., ValueType::I64, ValueType::I32] = &params[..] else {
        return None;
    };
    let [results @ .., ValueType::I64] = &results[..] else {
        return None;
    };
    Some(FunctionType {
        params: params.to_vec(),
        results: results.to_vec(),
    })
}

/// A module that makes a function of the host's one that references of the type `ty` may stand for: it imports the
/// host's in the form of [`reference_type`], with integers for the values of `adapters`, and exports one in that form.
#[must_use]
pub fn given(ty: &FunctionType, adapters: Adapters) -> Vec<u8> {
    let (crossing, own) = (Crossing::from(adapters), reference_type(ty));
    let mut module = Module::new();
    module.section(&types([&crossing.whole_or_adapted(&own), &own]));
    let mut imports = ImportSection::new();
    imports.import(NAME, NAME, EntityType::Function(0));
    module.section(&imports);
    let mut functions = FunctionSection::new();
    functions.function(1);
    module.section(&functions);
    module.section(&export(1));
    let mut code = CodeSection::new();
    code.raw(&crossing.inside_out(&own, 0));
    module.section(&code);
    module.finish()
}

/// A module that lets a host call what references of the type `ty` stand for: it exports a function in the form of
/// [`reference_type`], with integers for the values of `adapters`, and the reference as one more parameter at the end.
#[must_use]
pub fn call(ty: &FunctionType, adapters: Adapters) -> Vec<u8> {
    let (crossing, own) = (Crossing::from(adapters), reference_type(ty));
    let mut outer = crossing.whole_or_adapted(&own);
    outer.params.push(ValueType::FuncRef);
    let mut module = Module::new();
    module.section(&types([&outer, &own]));
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 1,
        maximum: Some(1),
        shared: false,
    });
    module.section(&tables);
    module.section(&export(0));
    let mut code = CodeSection::new();
    code.function(&caller(crossing, &outer, &own));
    module.section(&code);
    module.finish()
}

/// Calls through the table. It keeps the reference for a while, which nobody can see; a nested call sets it anew.
fn caller(crossing: Crossing, outer: &FunctionType, own: &FunctionType) -> Function {
    let mut function = Function::new(own.results.iter().map(|&ty| (1, encoded(ty))));
    let out = &mut function.instructions();
    let reference = outer.params.len() as u32 - 1;
    out.i32_const(0).local_get(reference).table_set(0);
    own.params
        .iter()
        .fold(0, |local, &ty| crossing.join(ty, local, out));
    out.i32_const(0).call_indirect(0, 1);
    let kept = outer.params.len() as u32;
    for position in (0..own.results.len() as u32).rev() {
        out.local_set(kept + position);
    }
    own.results
        .iter()
        .fold(kept, |local, &ty| crossing.split(ty, local, out));
    out.end();
    function
}

fn types(list: [&FunctionType; 2]) -> TypeSection {
    let mut section = TypeSection::new();
    for FunctionType { params, results } in list {
        let encode = |types: &[ValueType]| types.iter().copied().map(encoded).collect::<Vec<_>>();
        section.ty().function(encode(params), encode(results));
    }
    section
}

fn export(function: u32) -> ExportSection {
    let mut section = ExportSection::new();
    section.export(NAME, ExportKind::Func, function);
    section
}
