//! Guards against what the engine of these tests gets wrong, for modules that are meant for other engines and so have none
//! from `prepare`. What each is for stands where `prepare` writes its own, in `rewrite/body.rs`.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{BlockType, CodeSection, Function, Instruction, Module, ValType};
use wasmparser::{CodeSectionReader, FunctionBody, Operator, Parser};

use super::outline::{Outline, count, declared_locals};

/// A valid module with guards before its blocks that have parameters and before its `select`s. They cost nothing.
pub(crate) fn guard(wasm: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    let mut pass = Guard {
        outline: Outline::of(wasm),
        functions: 0,
    };
    pass.parse_core_module(&mut module, Parser::new(0), wasm)
        .expect("a valid module is encoded again");
    module.finish()
}

struct Guard {
    outline: Outline,
    /// Bodies encoded so far.
    functions: usize,
}

impl Guard {
    fn has_parameters(&self, ty: wasmparser::BlockType) -> bool {
        matches!(ty, wasmparser::BlockType::FuncType(ty) if self.outline.params[ty as usize] > 0)
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
        let params = self.outline.params_of(self.functions);
        self.functions += 1;
        let mut locals = declared_locals(self, &body)?;
        let declared = count(&locals);
        let parked = params + declared;
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
