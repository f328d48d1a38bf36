//! Element segments and globals whose references to imported functions must become references to wrappers.

use std::borrow::Cow;

use wasm_encoder::{
    ConstExpr, ElementMode, ElementSection, ElementSegment, Elements, Encode, RefType,
};
use wasmparser::{
    BinaryReader, ElementItems, ElementKind, ElementSectionReader, GlobalSectionReader, Operator,
    Result,
};

use super::Rewriting;

impl Rewriting<'_> {
    /// The element section: the module's segments, and one that declares what bodies refer to. An export no longer
    /// declares a function, because it has become the export of a wrapper.
    pub(crate) fn elements(&self, contents: &[u8]) -> Result<ElementSection> {
        let mut section = ElementSection::new();
        if !contents.is_empty() {
            for element in ElementSectionReader::new(BinaryReader::new(contents, 0))? {
                let element = element?;
                let raw = &contents[element.range.start as usize..element.range.end as usize];
                self.segment(&element, raw, &mut section)?;
            }
        }
        let mut declared: Vec<u32> = self
            .outline
            .survey
            .code_references
            .iter()
            .map(|&function| self.value(function))
            .collect();
        if !declared.is_empty() {
            declared.sort_unstable();
            declared.dedup();
            section.declared(Elements::Functions(Cow::Owned(declared)));
        }
        Ok(section)
    }

    fn segment(
        &self,
        element: &wasmparser::Element<'_>,
        raw: &[u8],
        section: &mut ElementSection,
    ) -> Result<()> {
        let Some(elements) = self.items(&element.items)? else {
            section.raw(raw);
            return Ok(());
        };
        let offset;
        let mode = match &element.kind {
            ElementKind::Passive => ElementMode::Passive,
            ElementKind::Declared => ElementMode::Declared,
            ElementKind::Active {
                table_index,
                offset_expr,
            } => {
                offset = copied(offset_expr)?;
                ElementMode::Active {
                    table: *table_index,
                    offset: &offset,
                }
            }
        };
        section.segment(ElementSegment { mode, elements });
        Ok(())
    }

    /// The items as they must become, or `None` if they can stay as they are.
    fn items(&self, items: &ElementItems<'_>) -> Result<Option<Elements<'static>>> {
        let mut changed = false;
        let mut value = |function: u32| {
            changed |= self.is_imported(function);
            self.value(function)
        };
        let elements = match items {
            ElementItems::Functions(functions) => {
                let functions = functions
                    .clone()
                    .into_iter()
                    .map(|function| function.map(&mut value));
                Elements::Functions(Cow::Owned(functions.collect::<Result<Vec<u32>>>()?))
            }
            ElementItems::Expressions(ty, expressions) => {
                let ty = if *ty == wasmparser::RefType::EXTERNREF {
                    RefType::EXTERNREF
                } else {
                    RefType::FUNCREF
                };
                let expressions = expressions.clone().into_iter().map(|expression| {
                    let expression = expression?;
                    match referenced(&expression)? {
                        Some(function) => Ok(ConstExpr::ref_func(value(function))),
                        None => copied(&expression),
                    }
                });
                Elements::Expressions(ty, Cow::Owned(expressions.collect::<Result<Vec<_>>>()?))
            }
        };
        Ok(changed.then_some(elements))
    }

    /// The module's globals, without the count of them.
    pub(crate) fn own_globals(&self, contents: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if contents.is_empty() {
            return Ok(());
        }
        let section = GlobalSectionReader::new(BinaryReader::new(contents, 0))?;
        let mut copied = section.original_position() as usize;
        for global in section {
            let global = global?;
            let range = global.init_expr.get_binary_reader().remaining_range();
            if let Some(function) = referenced(&global.init_expr)? {
                out.extend_from_slice(&contents[copied..range.start as usize]);
                ConstExpr::ref_func(self.value(function)).encode(out);
                copied = range.end as usize;
            }
        }
        out.extend_from_slice(&contents[copied..]);
        Ok(())
    }
}

/// The function that a constant expression refers to.
fn referenced(expression: &wasmparser::ConstExpr<'_>) -> Result<Option<u32>> {
    match expression.get_operators_reader().read()? {
        Operator::RefFunc { function_index } => Ok(Some(function_index)),
        _ => Ok(None),
    }
}

fn copied(expression: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr> {
    let mut reader = expression.get_binary_reader();
    // Without the final `end`, which the encoder writes.
    let bytes = reader.read_bytes(reader.bytes_remaining().saturating_sub(1))?;
    Ok(ConstExpr::raw(bytes.iter().copied()))
}
