//! Calls, where the counter leaves the function, and where a check has to come before an operator.

use super::builder::Builder;
use super::{Context, UNCHECKED};
use crate::operators::{Operator, code};
use crate::placement::ROOT;
use crate::steps::Action;
use crate::tails::{Run, Tail};

impl Builder<'_> {
    /// The counter leaves the function, and comes back.
    pub(super) fn call(&mut self, operator: &Operator) {
        let edge = self.leave(self.frequency * self.context.handover.call);
        let Operator {
            code,
            first,
            second,
            start,
            end,
        } = *operator;
        let (mut begin, mut index) = (start, None);
        if code == code::CALL_INDIRECT
            && let Some((at, local)) = self.take_read()
        {
            (begin, index) = (at, Some(local));
        }
        let action = match code {
            code::CALL if first < self.context.imported_functions => Action::CallImport {
                edge,
                function: first,
            },
            code::CALL => Action::Call {
                edge,
                function: first,
            },
            code::CALL_INDIRECT => Action::CallIndirect {
                edge,
                ty: first,
                table: second,
                index,
            },
            _ => Action::Grow {
                edge,
                code,
                table: first,
            },
        };
        self.graph.parks |= matches!(action, Action::CallIndirect { index: None, .. });
        self.step(begin, end, action);
        self.run = self
            .callee_tail(operator)
            .map_or(Run::default(), |tail| self.run.and_call(tail));
        let next = self.node();
        self.edge(ROOT, self.head(next), 1.0, true);
        self.enter(next, end, false);
        self.make_dearer(next, self.context.handover.after_call);
    }

    /// Takes back the `local.get` before this operator, if nothing has been put between them: it will be read later.
    fn take_read(&mut self) -> Option<(usize, u32)> {
        let (start, local) = self.read?;
        let steps = &mut self.graph.steps;
        let own = local >= self.parameters;
        if own
            && steps.last().is_some_and(|step| {
                step.start as usize == start && matches!(step.action, Action::Local { .. })
            })
        {
            steps.pop();
        }
        let free = steps.last().is_none_or(|step| step.end as usize <= start);
        free.then_some((start, local))
    }

    /// What a call of a defined function may leave behind.
    fn callee_tail(&self, operator: &Operator) -> Option<Tail> {
        let Context {
            tails,
            function,
            imported_functions,
            ..
        } = *self.context;
        match operator.code {
            code::CALL => {
                let callee = operator.first.checked_sub(imported_functions)?;
                Some(tails.of_call(function, callee as usize))
            }
            code::CALL_INDIRECT => Some(tails.of_indirect_call(function, operator.first)),
            _ => None,
        }
    }

    /// Whether too much could run unchecked with this operator of this weight.
    pub(super) fn must_check(&self, operator: &Operator, weight: u64) -> bool {
        let Run { units, added } = self.run;
        if self.here.is_none() || units == 0 && added.is_none() {
            return false;
        }
        let through = self.callee_tail(operator).and_then(|tail| tail.through);
        let ahead = weight + through.unwrap_or(0);
        ahead > 0 && units > 0 && units + ahead > UNCHECKED
            || added.is_some_and(|added| {
                added + weight > self.context.tails.may_add(self.context.function)
                    && self.may_return(operator)
            })
    }

    /// Whether the function may return by this operator.
    fn may_return(&self, operator: &Operator) -> bool {
        let label = self.graph.frames.len() as u32 - 1;
        match operator.code {
            code::RETURN => true,
            code::END => label == 0,
            code::BR | code::BR_IF => operator.first == label,
            code::BR_TABLE => self.decoder.targets(operator).any(|target| target == label),
            _ => false,
        }
    }
}
