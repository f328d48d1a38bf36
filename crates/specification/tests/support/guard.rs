//! Guards against what the engine of these tests gets wrong, for modules that are meant for other engines and so have none
//! from `prepare`. What each is for stands where `prepare` writes its own, in `rewrite/body.rs`.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, Function, Instruction, Module, ValType};
use wasmparser::{CodeSectionReader, CompositeInnerType, FunctionBody, Operator, Parser, Payload};

/// A valid module with guards before its blocks that have parameters and before its `select`s. They cost nothing.
pub(crate) fn guard(wasm: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    Guard::of(wasm)
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .expect("a valid module is encoded again");
    module.finish()
}

#[derive(Default)]
struct Guard {
    /// Parameters of each function type.
    params: Vec<u32>,
    /// Type of each defined function.
    types: Vec<u32>,
    /// Bodies encoded so far.
    functions: usize,
}

impl Guard {
    fn of(wasm: &[u8]) -> Self {
        let mut guard = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.expect("the module is valid") {
                Payload::TypeSection(section) => {
                    let types = section.into_iter().flatten();
                    guard
                        .params
                        .extend(types.flat_map(|group| group.into_types()).map(|ty| {
                            match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => ty.params().len() as u32,
                                _ => 0,
                            }
                        }));
                }
                Payload::FunctionSection(section) => {
                    guard.types.extend(section.into_iter().flatten())
                }
                _ => {}
            }
        }
        guard
    }

    fn has_parameters(&self, ty: wasmparser::BlockType) -> bool {
        matches!(ty, wasmparser::BlockType::FuncType(ty) if self.params[ty as usize] > 0)
    }
}

impl Reencode for Guard {
    type Error = Infallible;

    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_code_section(self, code, section)
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        let mut parked = self.params[self.types[self.functions] as usize];
        self.functions += 1;
        let mut locals = Vec::new();
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            parked += count;
            locals.push((count, self.val_type(ty)?));
        }
        locals.push((1, ValType::I32));
        let mut guarded = Function::new(locals);
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            match operator {
                Operator::Block { blockty }
                | Operator::Loop { blockty }
                | Operator::If { blockty }
                    if self.has_parameters(blockty) =>
                {
                    guarded
                        .instruction(&Instruction::Block(BlockType::Empty))
                        .instruction(&Instruction::End);
                }
                Operator::Select | Operator::TypedSelect { .. } => {
                    guarded.instruction(&Instruction::LocalTee(parked));
                }
                _ => {}
            }
            guarded.instruction(&self.instruction(operator)?);
        }
        code.function(&guarded);
        Ok(())
    }
}
