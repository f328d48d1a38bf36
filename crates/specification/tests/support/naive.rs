//! The cost model in its plainest form, written apart from `prepare` to check it: every operator charges a global
//! before it runs and stops when that falls below 0.
//!
//! Nothing is clever here, so the count is right at every point, also at a trap.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection,
    GlobalType, Instruction, Module, SectionId, ValType,
};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, ExportSectionReader, FunctionBody, GlobalSectionReader,
    Operator, Parser,
};

use super::outline::{Outline, count, declared_locals};

/// Export of the global that holds the fuel left.
pub(crate) const FUEL: &str = "naive_fuel";

/// Cost of a page by which a memory grows.
const PAGE_COST: i64 = 4_096;
/// Bytes that one unit pays in bulk operations on memories, as a power of two.
const BYTES_A_UNIT_LOG2: i64 = 4;
/// Declared locals that one unit pays at entry.
const LOCALS_A_UNIT: u32 = 16;

/// A valid module without a start function, with the charges.
pub(crate) fn instrument(wasm: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    let mut pass = Naive {
        outline: Outline::of(wasm),
        functions: 0,
        has_global: false,
        has_export: false,
    };
    pass.parse_core_module(&mut module, Parser::new(0), wasm)
        .expect("a valid module is encoded again");
    module.finish()
}

struct Naive {
    outline: Outline,
    functions: usize,
    has_global: bool,
    has_export: bool,
}

impl Naive {
    fn add_global(&mut self, globals: &mut GlobalSection) {
        let ty = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(ty, &ConstExpr::i64_const(0));
        self.has_global = true;
    }

    fn add_export(&mut self, exports: &mut ExportSection) {
        exports.export(FUEL, ExportKind::Global, self.outline.globals);
        self.has_export = true;
    }
}

impl Reencode for Naive {
    type Error = Infallible;

    /// Adds the two sections where the module has none.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error<Infallible>> {
        let next = before.map_or(u8::MAX, rank);
        if !self.has_global && next > rank(SectionId::Global) {
            let mut globals = GlobalSection::new();
            self.add_global(&mut globals);
            module.section(&globals);
        }
        if !self.has_export && next > rank(SectionId::Export) {
            let mut exports = ExportSection::new();
            self.add_export(&mut exports);
            module.section(&exports);
        }
        Ok(())
    }

    /// Names and the like are left out: nobody runs them, and a valid module may have damaged ones.
    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_global_section(self, globals, section)?;
        self.add_global(globals);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        utils::parse_export_section(self, exports, section)?;
        self.add_export(exports);
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
        locals.push((2, ValType::I32));
        let mut charger = Charger {
            body: Function::new(locals),
            fuel: self.outline.globals,
            length: params + declared,
            grown: params + declared + 1,
        };
        charger.fixed(i64::from(declared / LOCALS_A_UNIT));
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            charger.before(&operator);
            let instruction = self.instruction(operator.clone())?;
            charger.body.instruction(&instruction);
            charger.after(&operator);
        }
        code.function(&charger.body);
        Ok(())
    }
}

/// Order of a section in a module.
fn rank(section: SectionId) -> u8 {
    match section {
        SectionId::Tag => 5,
        SectionId::Global => 6,
        SectionId::Export => 7,
        SectionId::Element => 9,
        SectionId::DataCount => 10,
        SectionId::Code => 11,
        SectionId::Data => 12,
        other => other as u8,
    }
}

/// Writes one body with its charges.
struct Charger {
    body: Function,
    /// The global.
    fuel: u32,
    /// Scratch local: length of a bulk operation, or by how much something grows.
    length: u32,
    /// Scratch local: what a growth returned.
    grown: u32,
}

impl Charger {
    fn before(&mut self, operator: &Operator<'_>) {
        use Operator as O;
        match operator {
            O::Block { .. } | O::Loop { .. } | O::Else | O::End | O::Nop => return,
            O::MemoryFill { .. } | O::MemoryCopy { .. } | O::MemoryInit { .. } => {
                self.length_shifted(BYTES_A_UNIT_LOG2)
            }
            O::TableFill { .. } | O::TableCopy { .. } | O::TableInit { .. } => {
                self.length_shifted(0)
            }
            O::MemoryGrow { .. } | O::TableGrow { .. } => {
                self.body.instruction(&Instruction::LocalTee(self.length));
            }
            _ => {}
        }
        self.fixed(1);
        self.check();
    }

    fn after(&mut self, operator: &Operator<'_>) {
        let cost = match operator {
            Operator::MemoryGrow { .. } => PAGE_COST,
            Operator::TableGrow { .. } => 1,
            _ => return,
        };
        self.emit(&[
            Instruction::LocalTee(self.grown),
            Instruction::LocalGet(self.grown),
            Instruction::I32Const(-1),
            Instruction::I32Ne,
            Instruction::If(BlockType::Empty),
            Instruction::GlobalGet(self.fuel),
            Instruction::LocalGet(self.length),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(cost),
            Instruction::I64Mul,
            Instruction::I64Sub,
            Instruction::GlobalSet(self.fuel),
            Instruction::End,
        ]);
        self.check();
    }

    /// Charges the length on top of the stack, divided by a power of two.
    fn length_shifted(&mut self, log2: i64) {
        self.emit(&[
            Instruction::LocalTee(self.length),
            Instruction::GlobalGet(self.fuel),
            Instruction::LocalGet(self.length),
            Instruction::I64ExtendI32U,
            Instruction::I64Const(log2),
            Instruction::I64ShrU,
            Instruction::I64Sub,
            Instruction::GlobalSet(self.fuel),
        ]);
    }

    fn fixed(&mut self, cost: i64) {
        self.emit(&[
            Instruction::GlobalGet(self.fuel),
            Instruction::I64Const(cost),
            Instruction::I64Sub,
            Instruction::GlobalSet(self.fuel),
        ]);
    }

    fn check(&mut self) {
        self.emit(&[
            Instruction::GlobalGet(self.fuel),
            Instruction::I64Const(0),
            Instruction::I64LtS,
            Instruction::If(BlockType::Empty),
            Instruction::Unreachable,
            Instruction::End,
        ]);
    }

    fn emit(&mut self, instructions: &[Instruction<'_>]) {
        for instruction in instructions {
            self.body.instruction(instruction);
        }
    }
}
