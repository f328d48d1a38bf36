//! Finds where NaNs must be made canonical, so that what a guest can see is as if every arithmetic result were
//! canonical at once.
//!
//! A result of arithmetic is *unsettled*: if it is a NaN, its bits depend on the machine. As long as it only feeds
//! arithmetic or comparisons nobody can tell. Where its bits can be seen (stores, reinterpretations, calls, branches
//! with operands, globals, operators on signs or bits) its producer is noted, and canonicalises at once. Bits that came
//! from loads, parameters or constants are never touched.
//!
//! A web of a local may hold unsettled values if everything that is put into it is unsettled or cannot be a NaN; reading
//! it is then a producer. Which webs these are is found by walking the body until nothing changes.

use crate::FunctionType;
use crate::graph::Context;
use crate::operators::{BlockType, CODES, Code, Decoder, MISC, Operator, VECTOR, code};
use crate::reach::Reach;
use crate::survey::Body;
use crate::webs::Webs;

/// Walks over one body at most. If webs have not settled by then, none may hold unsettled values.
const MAX_WALKS: u32 = 6;

/// What a NaN is made canonical in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// A place behind an operator at which the value on top of the stack is made canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) position: u32,
    pub(crate) kind: Kind,
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Its bits are as they must be, and may be those of any NaN.
    Exact,
    /// It is no NaN, or a canonical one: making it canonical would change nothing.
    Neutral,
    /// What this producer made, not yet settled.
    Unsettled(u32),
}

/// What an operator gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    Exact,
    Neutral,
    Unsettled(Kind),
}

/// What a plain operator does with its operands.
#[derive(Clone, Copy, Debug)]
struct Effect {
    pops: u8,
    gives: Option<Gives>,
    /// Unsettled operands of this kind stay hidden.
    hides: Option<Kind>,
    /// It only moves lanes: what it gives is unsettled if its operand is, and else exact.
    moves: bool,
}

/// What a web may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Neutral,
    Unsettled(Kind),
    Exact,
}

#[derive(Clone, Copy)]
struct Frame {
    /// Height of the stack below its parameters.
    height: usize,
    parameters: u32,
    results: u32,
    is_loop: bool,
}

/// Kept between functions for its buffers.
#[derive(Default)]
pub(crate) struct Nans {
    /// In the order of their positions.
    pub(crate) sites: Vec<Site>,
    producers: Vec<Site>,
    seen: Vec<bool>,
    webs: Webs,
    /// By web.
    holds: Vec<Holds>,
    /// Accesses to locals before the place that is looked at.
    accesses: usize,
    stack: Vec<Value>,
    frames: Vec<Frame>,
    changed: bool,
}

impl Nans {
    /// Finds the sites of `body`, the body of a function of type `ty`.
    pub(crate) fn find(&mut self, context: &Context<'_>, body: &Body, ty: &FunctionType) {
        self.sites.clear();
        if !body.floats {
            return;
        }
        self.webs.find(context.wasm, body, ty);
        self.holds.clear();
        self.holds.resize(self.webs.count(), Holds::Neutral);
        for web in self.webs.of_parameters() {
            self.holds[web] = Holds::Exact;
        }
        for walk in 0..=MAX_WALKS {
            if walk == MAX_WALKS {
                self.holds.fill(Holds::Exact);
            }
            self.changed = false;
            self.walk(context, body, ty);
            if !self.changed {
                break;
            }
        }
        let seen = self
            .producers
            .iter()
            .zip(&self.seen)
            .filter(|(_, seen)| **seen);
        self.sites.extend(seen.map(|(producer, _)| *producer));
    }

    fn walk(&mut self, context: &Context<'_>, body: &Body, ty: &FunctionType) {
        self.producers.clear();
        self.seen.clear();
        self.stack.clear();
        self.accesses = 0;
        self.frames.clear();
        self.frames.push(Frame {
            height: 0,
            parameters: 0,
            results: ty.results.len() as u32,
            is_loop: false,
        });
        let mut decoder = Decoder::new(&context.wasm[..body.range.end], body.code);
        let mut reach = Reach::default();
        while let Some(operator) = decoder.operator() {
            if let Some(dead) = reach.pass(operator.code) {
                self.operator(context, &decoder, &operator, dead);
            }
        }
    }

    fn operator(
        &mut self,
        context: &Context<'_>,
        decoder: &Decoder<'_>,
        operator: &Operator,
        dead: bool,
    ) {
        match operator.code {
            code::NOP | code::UNREACHABLE => {}
            code::BLOCK | code::LOOP | code::IF => self.open(context, decoder, operator),
            code::ELSE => self.other_side(dead),
            code::END => self.close(dead),
            code::BR => self.see_operands_of(operator.first),
            code::BR_IF => {
                self.pop();
                self.see_operands_of(operator.first);
            }
            code::BR_TABLE => {
                self.pop();
                // All labels take operands of the same number.
                self.see_operands_of(decoder.targets(operator).last().unwrap_or(0));
            }
            code::RETURN => self.see_operands_of(self.frames.len() as u32 - 1),
            code::CALL => {
                self.call(&context.types[context.functions[operator.first as usize] as usize])
            }
            code::CALL_INDIRECT => {
                self.pop();
                self.call(&context.types[operator.first as usize]);
            }
            code::LOCAL_GET => self.get(operator),
            code::LOCAL_SET | code::LOCAL_TEE => self.set(operator),
            code::SELECT | code::TYPED_SELECT => self.select(operator),
            code::F32_CONST | code::F64_CONST | code::V128_CONST => {
                self.constant(context.wasm, operator)
            }
            _ => self.plain(operator),
        }
    }

    fn open(&mut self, context: &Context<'_>, decoder: &Decoder<'_>, operator: &Operator) {
        let (parameters, results) = match decoder.block_type(operator) {
            BlockType::Empty => (0, 0),
            BlockType::Value(_) => (0, 1),
            BlockType::Function(index) => {
                let ty = &context.types[index as usize];
                (ty.params.len() as u32, ty.results.len() as u32)
            }
        };
        if operator.code == code::IF {
            self.pop();
        }
        // What enters a loop meets what comes back; what enters an `if` does so on both sides.
        if operator.code != code::BLOCK {
            self.see_top(parameters);
            self.replace_top(parameters);
        }
        let height = self.stack.len().saturating_sub(parameters as usize);
        self.frames.push(Frame {
            height,
            parameters,
            results,
            is_loop: operator.code == code::LOOP,
        });
    }

    fn other_side(&mut self, dead: bool) {
        let Some(&frame) = self.frames.last() else {
            return;
        };
        if !dead {
            self.see_top(frame.results);
        }
        self.stack.truncate(frame.height);
        self.push_exact(frame.parameters);
    }

    fn close(&mut self, dead: bool) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if !dead {
            self.see_top(frame.results);
        }
        self.stack.truncate(frame.height);
        self.push_exact(frame.results);
    }

    fn call(&mut self, ty: &FunctionType) {
        for _ in &ty.params {
            let argument = self.pop();
            self.see(argument);
        }
        self.push_exact(ty.results.len() as u32);
    }

    /// The web that an operator accesses, if it can hold a float.
    fn access(&mut self, operator: &Operator) -> Option<usize> {
        let web = self.webs.access(self.accesses, operator.first)?;
        self.accesses += 1;
        Some(web)
    }

    fn get(&mut self, operator: &Operator) {
        let holds = match self.access(operator) {
            Some(web) => self.holds[web],
            None => Holds::Neutral,
        };
        let value = match holds {
            Holds::Neutral => Value::Neutral,
            Holds::Exact => Value::Exact,
            Holds::Unsettled(kind) => self.produce(operator, kind),
        };
        self.stack.push(value);
    }

    fn set(&mut self, operator: &Operator) {
        let value = self.pop();
        if let Some(web) = self.access(operator) {
            self.put(web, value);
        }
        if operator.code == code::LOCAL_TEE {
            self.stack.push(value);
        }
    }

    fn put(&mut self, web: usize, value: Value) {
        let before = self.holds[web];
        let after = match (before, value) {
            (_, Value::Exact) => Holds::Exact,
            (Holds::Exact, _) | (_, Value::Neutral) => before,
            (_, Value::Unsettled(producer)) => {
                let kind = self.producers[producer as usize].kind;
                match before {
                    Holds::Unsettled(other) if other != kind => Holds::Exact,
                    _ => Holds::Unsettled(kind),
                }
            }
        };
        self.holds[web] = after;
        self.changed |= before != after;
        if after == Holds::Exact {
            self.see(value);
        }
    }

    fn select(&mut self, operator: &Operator) {
        self.pop();
        let (second, first) = (self.pop(), self.pop());
        let kind = |value: Value| match value {
            Value::Unsettled(producer) => Some(self.producers[producer as usize].kind),
            _ => None,
        };
        let chosen = match (kind(first), kind(second)) {
            (Some(one), Some(other)) if one == other => self.produce(operator, one),
            (Some(one), None) if second == Value::Neutral => self.produce(operator, one),
            (None, Some(other)) if first == Value::Neutral => self.produce(operator, other),
            (None, None) if first == second => first,
            _ => {
                self.see(first);
                self.see(second);
                Value::Exact
            }
        };
        self.stack.push(chosen);
    }

    fn constant(&mut self, wasm: &[u8], operator: &Operator) {
        let bytes = &wasm[operator.start..operator.end];
        let is_nan = match operator.code {
            code::F32_CONST => has_nan_32(&bytes[1..]),
            code::F64_CONST => has_nan_64(&bytes[1..]),
            _ => {
                let lanes = &bytes[bytes.len() - 16..];
                has_nan_32(lanes) || has_nan_64(lanes)
            }
        };
        self.stack
            .push(if is_nan { Value::Exact } else { Value::Neutral });
    }

    fn plain(&mut self, operator: &Operator) {
        let effect = effect(operator.code);
        let mut hidden = false;
        for _ in 0..effect.pops {
            let operand = self.pop();
            match operand {
                Value::Unsettled(producer)
                    if Some(self.producers[producer as usize].kind) == effect.hides =>
                {
                    hidden = true
                }
                _ => self.see(operand),
            }
        }
        match effect.gives {
            None => {}
            Some(Gives::Unsettled(_)) if effect.moves && !hidden => self.stack.push(Value::Exact),
            Some(Gives::Exact) => self.stack.push(Value::Exact),
            Some(Gives::Neutral) => self.stack.push(Value::Neutral),
            Some(Gives::Unsettled(kind)) => {
                let value = self.produce(operator, kind);
                self.stack.push(value);
            }
        }
    }

    fn produce(&mut self, operator: &Operator, kind: Kind) -> Value {
        self.producers.push(Site {
            position: operator.end as u32,
            kind,
        });
        self.seen.push(false);
        Value::Unsettled(self.producers.len() as u32 - 1)
    }

    /// The bits of the value can be seen.
    fn see(&mut self, value: Value) {
        if let Value::Unsettled(producer) = value {
            self.seen[producer as usize] = true;
        }
    }

    fn see_operands_of(&mut self, label: u32) {
        let position = self.frames.len() - 1 - label as usize;
        let frame = self.frames[position];
        self.see_top(if frame.is_loop {
            frame.parameters
        } else {
            frame.results
        });
    }

    fn see_top(&mut self, count: u32) {
        for position in self.stack.len().saturating_sub(count as usize)..self.stack.len() {
            self.see(self.stack[position]);
        }
    }

    fn replace_top(&mut self, count: u32) {
        self.stack
            .truncate(self.stack.len().saturating_sub(count as usize));
        self.push_exact(count);
    }

    fn push_exact(&mut self, count: u32) {
        self.stack
            .resize(self.stack.len() + count as usize, Value::Exact);
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Exact)
    }
}

fn has_nan_32(bytes: &[u8]) -> bool {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .any(|lane| f32::from_le_bytes(*lane).is_nan())
}

fn has_nan_64(bytes: &[u8]) -> bool {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .any(|lane| f64::from_le_bytes(*lane).is_nan())
}

/// Whether the operator's result is unsettled, so that a body with it has to be looked at.
pub(crate) fn is_arithmetic(code: Code) -> bool {
    ARITHMETIC[usize::from(code)]
}

const ARITHMETIC: [bool; CODES] = {
    let mut table = [false; CODES];
    let mut code = 0;
    while code < CODES {
        let Effect { gives, moves, .. } = effect(code as Code);
        table[code] = matches!(gives, Some(Gives::Unsettled(_))) && !moves;
        code += 1;
    }
    table
};

/// The effect of an operator that is neither structure nor a call and does not touch locals.
const fn effect(code: Code) -> Effect {
    match code {
        VECTOR.. => vector_effect(code - VECTOR),
        MISC.. => misc_effect(code - MISC),
        _ => core_effect(code),
    }
}

const fn plain(pops: u8, pushes: u8) -> Effect {
    let gives = if pushes == 0 {
        None
    } else {
        Some(Gives::Exact)
    };
    Effect {
        pops,
        gives,
        hides: None,
        moves: false,
    }
}

/// Gives a scalar that cannot be a NaN, or is no float. No operator gives a neutral vector: what is no NaN in its lanes
/// of one width may be one in those of another.
const fn neutral(pops: u8) -> Effect {
    Effect {
        pops,
        gives: Some(Gives::Neutral),
        hides: None,
        moves: false,
    }
}

/// Looks at floats without showing the bits of a NaN.
const fn compares(pops: u8, kind: Kind) -> Effect {
    Effect {
        pops,
        gives: Some(Gives::Exact),
        hides: Some(kind),
        moves: false,
    }
}

const fn arithmetic(pops: u8, kind: Kind) -> Effect {
    converts(pops, kind, kind)
}

const fn converts(pops: u8, from: Kind, to: Kind) -> Effect {
    Effect {
        pops,
        gives: Some(Gives::Unsettled(to)),
        hides: Some(from),
        moves: false,
    }
}

const fn moves(from: Kind, to: Kind) -> Effect {
    Effect {
        pops: 1,
        gives: Some(Gives::Unsettled(to)),
        hides: Some(from),
        moves: true,
    }
}

const fn core_effect(code: Code) -> Effect {
    match code {
        0x1a => plain(1, 0),
        0x23 => plain(0, 1),
        0x24 => plain(1, 0),
        0x25 => plain(1, 1),
        0x26 => plain(2, 0),
        0x28..=0x35 => plain(1, 1),
        0x36..=0x3e => plain(2, 0),
        0x3f | 0x41 | 0x42 => neutral(0),
        0x40 => neutral(1),
        0x5b..=0x60 => compares(2, Kind::F32),
        0x61..=0x66 => compares(2, Kind::F64),
        0x45 | 0x50 | 0x67..=0x69 | 0x79..=0x7b => neutral(1),
        0x46..=0x4f | 0x51..=0x5a | 0x6a..=0x78 | 0x7c..=0x8a => neutral(2),
        0x8b | 0x8c | 0x99 | 0x9a => plain(1, 1),
        0x98 | 0xa6 => plain(2, 1),
        0x8d..=0x91 => arithmetic(1, Kind::F32),
        0x92..=0x97 => arithmetic(2, Kind::F32),
        0x9b..=0x9f => arithmetic(1, Kind::F64),
        0xa0..=0xa5 => arithmetic(2, Kind::F64),
        0xa8 | 0xa9 | 0xae | 0xaf => compares(1, Kind::F32),
        0xaa | 0xab | 0xb0 | 0xb1 => compares(1, Kind::F64),
        0xb6 => converts(1, Kind::F64, Kind::F32),
        0xbb => converts(1, Kind::F32, Kind::F64),
        0xa7 | 0xac | 0xad | 0xb2..=0xb5 | 0xb7..=0xba | 0xbc | 0xbd | 0xc0..=0xc4 => neutral(1),
        0xbe | 0xbf => plain(1, 1),
        0xd0 | 0xd2 => plain(0, 1),
        _ => plain(1, 1),
    }
}

const fn misc_effect(code: Code) -> Effect {
    match code {
        0 | 1 | 4 | 5 => compares(1, Kind::F32),
        2 | 3 | 6 | 7 => compares(1, Kind::F64),
        9 | 13 => plain(0, 0),
        15 => plain(2, 1),
        16 => plain(0, 1),
        _ => plain(3, 0),
    }
}

const fn vector_effect(code: Code) -> Effect {
    match code {
        11 | 88..=91 => plain(2, 0),
        12 => plain(0, 1),
        19 => moves(Kind::F32, Kind::F32x4),
        20 => moves(Kind::F64, Kind::F64x2),
        31 => moves(Kind::F32x4, Kind::F32),
        33 => moves(Kind::F64x2, Kind::F64),
        65..=70 => compares(2, Kind::F32x4),
        71..=76 => compares(2, Kind::F64x2),
        82 => plain(3, 1),
        94 => converts(1, Kind::F64x2, Kind::F32x4),
        95 => converts(1, Kind::F32x4, Kind::F64x2),
        103..=106 | 227 => arithmetic(1, Kind::F32x4),
        228..=233 => arithmetic(2, Kind::F32x4),
        116 | 117 | 122 | 148 | 239 => arithmetic(1, Kind::F64x2),
        240..=245 => arithmetic(2, Kind::F64x2),
        248 | 249 => compares(1, Kind::F32x4),
        252 | 253 => compares(1, Kind::F64x2),
        250 | 251 | 254 | 255 => plain(1, 1),
        _ if is_unary(code) => plain(1, 1),
        _ => plain(2, 1),
    }
}

/// Whether a vector operator that is no arithmetic on floats takes one operand.
const fn is_unary(code: Code) -> bool {
    matches!(
        code,
        0..=10 | 15..=18 | 21 | 22 | 24 | 25 | 27 | 29 | 77 | 83 | 92 | 93 | 96..=100 | 124..=129 | 131 | 132 | 135..=138
            | 160 | 161 | 163 | 164 | 167..=170 | 192 | 193 | 195 | 196 | 199..=202 | 224 | 225 | 236 | 237
    )
}
