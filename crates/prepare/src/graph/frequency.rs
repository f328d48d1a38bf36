//! How often places are taken to be run, and how dear charges there are.

/// Frequencies stay within these, however deep loops and branches nest.
const FREQUENCIES: (f32, f32) = (1e-30, 1e30);
/// Rounds that a loop is taken to run.
pub(super) const ROUNDS: f32 = 10.0;
/// How often a conditional branch is taken to jump: back to a loop, out of a loop, elsewhere.
pub(super) const BACK: f32 = 0.9;
pub(super) const OUT_OF_LOOP: f32 = 0.1;
pub(super) const EVEN: f32 = 0.5;
/// How often the copies of a loop are left for the loop itself.
pub(super) const OUT_OF_FUEL: f32 = 1e-3;
/// A charge on a conditional branch needs a branch of its own and breaks loop inversion in code generators.
pub(super) const CONDITIONAL_PENALTY: f32 = 3.0;
/// A charge where an `else` is missing needs one.
pub(super) const ELSE_PENALTY: f32 = 1.1;
/// Forward branches are taken to be the rarer way.
pub(super) const JUMP: f32 = 0.3;

pub(super) fn clamp(frequency: f32) -> f32 {
    frequency.clamp(FREQUENCIES.0, FREQUENCIES.1)
}
