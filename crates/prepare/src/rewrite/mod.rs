//! Builds the prepared module: every body through [`body`], then the sections with what is ours added at their ends,
//! so that no index of the module's own changes.

mod body;
mod helpers;
mod sections;
mod types;

use aingle_wasm_types::meter::{self, Stop};
use wasm_encoder::{BlockType, InstructionSink};

use crate::PrepareConfig;
use crate::call_graph::frame_weights;
use crate::costs::Costs;
use crate::outline::Outline;
use helpers::Helpers;
use types::Types;

/// Rewrites a validated module.
pub(crate) fn rewrite(outline: &Outline<'_>, config: &PrepareConfig) -> Vec<u8> {
    let mut rewriting = Rewriting {
        outline,
        config,
        costs: Costs::model_1(),
        globals: Globals::after(outline),
        types: Types::new(&outline.types),
        helpers: Helpers::new(outline.functions.len() as u32),
    };
    let code = rewriting.code(&frame_weights(outline));
    sections::assemble(&rewriting, &code)
}

/// Everything the steps of one rewriting share.
struct Rewriting<'a> {
    outline: &'a Outline<'a>,
    config: &'a PrepareConfig,
    costs: Costs,
    globals: Globals,
    types: Types,
    helpers: Helpers,
}

impl Rewriting<'_> {
    /// The contents of the code section without the count: the module's bodies, then those of the helpers they use.
    fn code(&mut self, weights: &[u32]) -> Vec<u8> {
        let mut code = Vec::with_capacity(2 * self.outline.wasm.len());
        let mut body = Vec::new();
        for (position, (source, &weight)) in
            self.outline.survey.bodies.iter().zip(weights).enumerate()
        {
            body.clear();
            let function = self.outline.imported.functions + position as u32;
            body::write(self, function, source, weight, &mut body);
            sections::sized(&body, &mut code);
        }
        helpers::write_all(self, &mut code);
        code
    }
}

/// Indices of the reserved globals.
#[derive(Clone, Copy)]
struct Globals {
    fuel: u32,
    status: u32,
    depth: u32,
    memory_cap: u32,
    table_cap: u32,
}

impl Globals {
    const COUNT: u32 = 5;

    fn after(outline: &Outline<'_>) -> Self {
        let first = outline.globals.len() as u32;
        Self {
            fuel: first,
            status: first + 1,
            depth: first + 2,
            memory_cap: first + 3,
            table_cap: first + 4,
        }
    }

    /// Export name and index of each.
    fn exports(self) -> [(&'static str, u32); Self::COUNT as usize] {
        [
            (meter::FUEL, self.fuel),
            (meter::STATUS, self.status),
            (meter::DEPTH, self.depth),
            (meter::MEMORY_CAP, self.memory_cap),
            (meter::TABLE_CAP, self.table_cap),
        ]
    }

    /// Writes why, then traps.
    fn stop(self, why: Stop, out: &mut InstructionSink<'_>) {
        out.i32_const(why.as_i32())
            .global_set(self.status)
            .unreachable();
    }

    /// Takes the i64 on the stack from the fuel and stops if that leaves less than nothing.
    fn charge(self, out: &mut InstructionSink<'_>, amount: impl FnOnce(&mut InstructionSink<'_>)) {
        out.global_get(self.fuel);
        amount(out);
        out.i64_sub().global_set(self.fuel);
        out.global_get(self.fuel)
            .i64_const(0)
            .i64_lt_s()
            .if_(BlockType::Empty);
        self.stop(Stop::Fuel, out);
        out.end();
    }
}
