//! Code that cannot be reached. A validator leaves its stack open, so nothing else may look at it.

use crate::operators::{Code, code};

/// Which operators of a body can be reached.
#[derive(Default)]
pub(crate) struct Reach {
    dead: bool,
    nesting: u32,
}

impl Reach {
    /// Passes an operator. Says of one that is to be looked at whether code before it ends earlier: the `else` and `end`
    /// that make code reachable again are looked at in any case.
    pub(crate) fn pass(&mut self, operator: Code) -> Option<bool> {
        let dead = self.dead;
        match operator {
            code::BLOCK | code::LOOP | code::IF if dead => self.nesting += 1,
            code::END if self.nesting > 0 => self.nesting -= 1,
            code::ELSE | code::END if self.nesting == 0 => {
                self.dead = false;
                return Some(dead);
            }
            _ if dead => {}
            _ => {
                self.dead = matches!(
                    operator,
                    code::BR | code::BR_TABLE | code::RETURN | code::UNREACHABLE
                );
                return Some(false);
            }
        }
        None
    }
}
