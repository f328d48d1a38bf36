//! What a charge costs where the counter changes hands, which depends on who runs the module.

use crate::FunctionType;

/// A charge that is folded into a value that is passed on anyway.
pub(crate) const FOLDED: f32 = 0.01;

/// How dear charges at some places are, to what they are elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handover {
    /// Where the counter is passed to a callee.
    pub(crate) call: f32,
    /// Where a callee has given it back.
    pub(crate) after_call: f32,
    /// Where it is given back to the caller.
    pub(crate) exit: f32,
    /// At the end of a block that gives results.
    pub(crate) results: f32,
}

impl Handover {
    /// A code generator folds what is owed into the value that it passes on.
    pub(crate) const COMPILED: Self = Self {
        call: FOLDED,
        after_call: 1.0,
        exit: FOLDED,
        results: 1.0,
    };

    /// In a function of this type, for an interpreter like wasmi: it copies arguments and results between frames, and an
    /// addition can take the place of a copy if it writes to a local, or if another addition follows it.
    ///
    /// So a charge is free where the counter comes back from a callee, and where `passed_off` says that units of call
    /// depth are taken off the argument behind it. Results are in the one register for integers: an addition beside one
    /// makes it put that away and get it back. Where the counter's parameter lies where its result has to be, giving
    /// it back as it is takes nothing at all.
    pub(crate) fn interpreted(ty: &FunctionType, passed_off: bool) -> Self {
        let in_place = ty.params.len() == ty.results.len();
        let exit = if in_place {
            3.0
        } else if ty.results.is_empty() {
            FOLDED
        } else {
            1.0
        };
        Self {
            call: if passed_off { FOLDED } else { 1.0 },
            after_call: FOLDED,
            exit,
            results: 3.0,
        }
    }
}
