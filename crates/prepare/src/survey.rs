//! The first look at a function body, before the validator's: its caps, and what it calls.

use std::ops::Range;

use crate::operators::{Decoder, Operator, code};
use crate::{ComplexityCaps, PrepareError, caps};

/// What one function body declares and refers to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The whole body in the module's bytes, from its count of local groups on.
    pub(crate) range: Range<usize>,
    /// Where its operators begin.
    pub(crate) code: usize,
    /// Declared locals, parameters not counted.
    pub(crate) locals: u32,
    /// Slots of those locals: one each, two for a vector.
    pub(crate) slots: u64,
    /// Functions it calls directly, in [`Survey::calls`].
    pub(crate) calls: Range<usize>,
    /// Types it calls indirectly, in [`Survey::indirect_calls`].
    pub(crate) indirect_calls: Range<usize>,
}

/// What all function bodies refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) bodies: Vec<Body>,
    /// Function indices, body after body.
    pub(crate) calls: Vec<u32>,
    /// Type indices, body after body.
    pub(crate) indirect_calls: Vec<u32>,
    /// Function indices named by `ref.func`.
    pub(crate) references: Vec<u32>,
}

/// Byte of the type `v128`.
const V128: u8 = 0x7b;

impl Survey {
    /// Looks at the body in `range`. Bytes that do not decode end the look; the validator then refuses them.
    ///
    /// # Errors
    /// - `ERR_MODULE_TOO_COMPLEX` if the body is over one of the caps.
    pub(crate) fn add(
        &mut self,
        wasm: &[u8],
        range: Range<usize>,
        limits: &ComplexityCaps,
    ) -> Result<(), PrepareError> {
        caps::check("bodyBytes", range.len() as u64, limits.body_bytes)?;
        let bytes = &wasm[..range.end];
        let mut body = Body {
            range: range.clone(),
            ..Body::default()
        };
        let (calls, indirect_calls) = (self.calls.len(), self.indirect_calls.len());
        let mut decoder = Decoder::new(bytes, range.start);
        if let Some((locals, slots)) = locals(&mut decoder, bytes) {
            caps::check("locals", locals, limits.locals)?;
            body.locals = u32::try_from(locals).unwrap_or(u32::MAX);
            body.slots = slots;
            body.code = decoder.position();
            self.operators(decoder, limits)?;
        }
        body.calls = calls..self.calls.len();
        body.indirect_calls = indirect_calls..self.indirect_calls.len();
        self.bodies.push(body);
        Ok(())
    }

    fn operators(
        &mut self,
        mut decoder: Decoder<'_>,
        limits: &ComplexityCaps,
    ) -> Result<(), PrepareError> {
        let mut nesting = 0;
        while let Some(Operator { code, first, .. }) = decoder.operator() {
            match code {
                code::BLOCK | code::LOOP | code::IF => {
                    nesting += 1;
                    caps::check("nesting", nesting, limits.nesting)?;
                }
                code::END => nesting = nesting.saturating_sub(1),
                code::BR_TABLE => {
                    caps::check("branchTargets", u64::from(first) + 1, limits.branch_targets)?
                }
                code::CALL => self.calls.push(first),
                code::CALL_INDIRECT => self.indirect_calls.push(first),
                code::REF_FUNC => self.references.push(first),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads the declarations of locals: how many, and in how many slots.
fn locals(decoder: &mut Decoder<'_>, bytes: &[u8]) -> Option<(u64, u64)> {
    let (mut locals, mut slots) = (0, 0);
    for _ in 0..decoder.u32()? {
        let count = u64::from(decoder.u32()?);
        let wide = *bytes.get(decoder.position())? == V128;
        decoder.u32()?;
        locals += count;
        slots += if wide { 2 * count } else { count };
    }
    Some((locals, slots))
}
