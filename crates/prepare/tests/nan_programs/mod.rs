//! Guests that show every bit of their NaNs: cases with what they give, and programs from random bytes. Run in an
//! interpreter here, and by crates/host on the machine itself, whose NaNs are not canonical by themselves.

/// Results of `$zero / $zero` differ between machines: x64 gives a negative NaN, ARM a positive one. A payload goes
/// through some operators and not through others.
pub(crate) const PAYLOAD: u64 = 0x7fa1_2345;
pub(crate) const PAYLOAD_64: u64 = 0x7ff4_0000_1234_5678;
const CANONICAL: u64 = 0x7fc0_0000;
const CANONICAL_64: u64 = 0x7ff8_0000_0000_0000;
const SIGN: u64 = 0x8000_0000;
const SIGN_64: u64 = 1 << 63;

/// Body of a function of `(param $p f32) (param $q f64)`, called with the payloads; what it gives.
pub(crate) const CASES: &[(&str, &str, u64)] = &[
    ("f32", "(f32.div (f32.const 0) (f32.const 0))", CANONICAL),
    ("f64", "(f64.div (f64.const 0) (f64.const 0))", CANONICAL_64),
    ("f32", "(f32.add (local.get $p) (f32.const 1))", CANONICAL),
    ("f64", "(f64.sqrt (local.get $q))", CANONICAL_64),
    ("f64", "(f64.min (local.get $q) (f64.const 1))", CANONICAL_64),
    ("f64", "(f64.promote_f32 (local.get $p))", CANONICAL_64),
    ("f32", "(f32.demote_f64 (local.get $q))", CANONICAL),
    // Bits that came from elsewhere stay.
    ("f32", "(local.get $p)", PAYLOAD),
    ("f64", "(local.get $q)", PAYLOAD_64),
    ("f32", "(f32.const nan:0x212345)", PAYLOAD),
    ("f32", "(f32.neg (local.get $p))", PAYLOAD | SIGN),
    ("f32", "(f32.abs (f32.neg (local.get $p)))", PAYLOAD),
    ("i32", "(i32.reinterpret_f32 (local.get $p))", PAYLOAD),
    ("f32", "(select (local.get $p) (f32.div (f32.const 0) (f32.const 0)) (i32.const 1))", PAYLOAD),
    ("f32", "(select (local.get $p) (f32.div (f32.const 0) (f32.const 0)) (i32.const 0))", CANONICAL),
    ("f32", "(f32.store (i32.const 0) (local.get $p)) (f32.load (i32.const 0))", PAYLOAD),
    // Signs.
    ("f32", "(f32.neg (f32.div (f32.const 0) (f32.const 0)))", CANONICAL | SIGN),
    ("f64", "(f64.neg (f64.neg (f64.div (f64.const 0) (f64.const 0))))", CANONICAL_64),
    ("f64", "(f64.abs (f64.div (f64.const 0) (f64.const 0)))", CANONICAL_64),
    ("f64", "(f64.copysign (f64.div (f64.const 0) (f64.const 0)) (f64.const -1))", CANONICAL_64 | SIGN_64),
    ("f32", "(f32.copysign (f32.const 1) (f32.div (f32.const 0) (f32.const 0)))", 0x3f80_0000),
    // Where bits are seen.
    ("i32", "(i32.reinterpret_f32 (f32.div (f32.const 0) (f32.const 0)))", CANONICAL),
    ("i64", "(f64.store (i32.const 8) (f64.mul (local.get $q) (f64.const 2))) (i64.load (i32.const 8))", CANONICAL_64),
    ("f64", "(global.set $g (f64.sub (local.get $q) (local.get $q))) (global.get $g)", CANONICAL_64),
    ("i32", "(call $bits (f32.div (f32.const 0) (f32.const 0)) (f32.const 0))", CANONICAL),
    ("f32", "(block (result f32) (br 0 (f32.div (f32.const 0) (f32.const 0))))", CANONICAL),
    ("f32", "(return (f32.div (f32.const 0) (f32.const 0)))", CANONICAL),
    ("f32", "(block (result f32) (br_if 0 (f32.div (f32.const 0) (f32.const 0)) (i32.const 0)) (drop) (local.get $p))", PAYLOAD),
    ("f32", "(f32.div (f32.const 0) (f32.const 0)) (loop (param f32) (result f32))", CANONICAL),
    ("f32", "(if (result f32) (i32.const 0) (then (local.get $p)) (else (f32.add (local.get $p) (local.get $p))))", CANONICAL),
    // Locals.
    ("f32", "(local.set $l (f32.add (local.get $p) (f32.const 1))) (local.get $l)", CANONICAL),
    ("f32", "(local.set $p (f32.add (local.get $p) (f32.const 1))) (local.get $p)", CANONICAL),
    ("f32", "(local.set $l (f32.add (local.get $p) (f32.const 1))) (local.set $l (local.get $p)) (local.get $l)", PAYLOAD),
    ("f32", "(local.set $l (f32.add (local.get $p) (f32.const 1))) (if (i32.const 0) (then (local.set $l (local.get $p)))) (local.get $l)", CANONICAL),
    ("f32", "(local.set $l (f32.add (local.get $p) (f32.const 1))) (if (i32.const 1) (then (local.set $l (local.get $p)))) (local.get $l)", PAYLOAD),
    ("f32", "(local.set $l (local.get $p)) (block (br_if 0 (i32.const 1)) (local.set $l (f32.add (local.get $p) (f32.const 1)))) (local.get $l)", PAYLOAD),
    ("f32", "(local.set $l (local.get $p)) (drop (local.get $l)) (local.set $l (f32.add (local.get $p) (f32.const 1))) (local.get $l)", CANONICAL),
    (
        "f32",
        "(local.set $l (local.get $p))
         (loop (f32.store (i32.const 16) (local.get $l)) (local.set $l (f32.add (local.get $l) (f32.const 1)))
           (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2)))) (f32.load (i32.const 16))",
        CANONICAL,
    ),
    ("f32", "(f32.add (f32.const 0) (local.tee $l (f32.add (local.get $p) (f32.const 1)))) (drop) (local.get $l)", CANONICAL),
    (
        "f64",
        "(loop (local.set $m (f64.add (local.get $m) (local.get $q)))
           (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3)))) (local.get $m)",
        CANONICAL_64,
    ),
    // Vectors.
    ("i32", "(i32x4.extract_lane 2 (f32x4.div (v128.const f32x4 0 0 0 0) (v128.const f32x4 0 0 0 0)))", CANONICAL),
    ("i64", "(i64x2.extract_lane 1 (f64x2.add (f64x2.splat (local.get $q)) (v128.const f64x2 0 0)))", CANONICAL_64),
    ("f32", "(f32x4.extract_lane 1 (f32x4.mul (f32x4.splat (local.get $p)) (v128.const f32x4 0 0 0 0)))", CANONICAL),
    ("f32", "(f32x4.extract_lane 1 (f32x4.splat (local.get $p)))", PAYLOAD),
    ("i32", "(i32x4.extract_lane 0 (f32x4.pmin (f32x4.splat (local.get $p)) (v128.const f32x4 0 0 0 0)))", PAYLOAD),
    ("i32", "(i32x4.extract_lane 0 (f32x4.neg (f32x4.splat (f32.add (local.get $p) (local.get $p)))))", CANONICAL | SIGN),
    ("i32", "(i32x4.extract_lane 0 (f32x4.demote_f64x2_zero (f64x2.splat (local.get $q))))", CANONICAL),
    (
        // A mask is no NaN, whatever its bits.
        "i32",
        "(local.set $v (f32x4.add (f32x4.splat (local.get $p)) (f32x4.splat (local.get $p))))
         (local.set $v (f32x4.eq (f32x4.splat (f32.const 1)) (f32x4.splat (f32.const 1))))
         (i32x4.extract_lane 0 (local.get $v))",
        0xffff_ffff,
    ),
    (
        // As f64 the two lanes are a NaN with a payload.
        "i64",
        "(i64x2.extract_lane 0 (f64x2.sub (v128.bitselect (f32x4.sub (v128.const f32x4 nan 0 0 0) (v128.const f32x4 0 0 0 0))
           (v128.const i32x4 0 0x7ff80000 0 0) (v128.const i32x4 -1 0 0 0)) (v128.const f64x2 0 0)))",
        CANONICAL_64,
    ),
];

/// A module whose `f` has this body and result.
pub(crate) fn case(result: &str, body: &str) -> String {
    format!(
        r#"(module (memory 1) (global $g (mut f64) (f64.const 0))
          (func $bits (param f32 f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
          (func (export "f") (param $p f32) (param $q f64) (result {result})
            (local $l f32) (local $m f64) (local $i i32) (local $v v128) {body}))"#
    )
}

/// Bytes of a program's memory, `m`, that show what it came to.
pub(crate) const SHOWN: u32 = 400;

/// A program from random bytes, whose `f` takes an `f32` and an `f64`.
pub(crate) fn program(bytes: &[u8], eager: bool) -> String {
    Program {
        bytes: bytes.iter(),
        eager,
        depth: 0,
    }
    .module()
}

/// Writes a program from random bytes. With `eager`, each arithmetic result goes through a function that makes it
/// canonical.
struct Program<'b> {
    bytes: std::slice::Iter<'b, u8>,
    eager: bool,
    depth: u32,
}

impl Program<'_> {
    fn pick(&mut self, choices: u8) -> u8 {
        self.bytes.next().copied().unwrap_or(0) % choices
    }

    fn arithmetic(&mut self, ty: &str, text: String) -> String {
        if self.eager {
            format!("(call $canonical_{ty} {text})")
        } else {
            text
        }
    }

    fn scalar(&mut self, ty: &str) -> String {
        let (other, bits) = if ty == "f32" {
            ("f64", "i32")
        } else {
            ("f32", "i64")
        };
        self.depth += 1;
        let choice = if self.depth > 5 {
            self.pick(6)
        } else {
            self.pick(24)
        };
        let text = match choice {
            0 | 1 => format!("(local.get ${ty}_{})", self.pick(4)),
            2 => format!("({ty}.const nan:0x2{})", self.pick(10)),
            3 => format!("({ty}.const {})", self.pick(3)),
            4 => format!("({ty}.load (i32.const {}))", 16 * self.pick(8)),
            5 => format!("(global.get ${ty})"),
            6..=11 => {
                let operator = ["add", "sub", "mul", "div", "min", "max"][usize::from(choice - 6)];
                let text = format!("({ty}.{operator} {} {})", self.scalar(ty), self.scalar(ty));
                self.arithmetic(ty, text)
            }
            12..=14 => {
                let operator = ["sqrt", "floor", "nearest"][usize::from(choice - 12)];
                let text = format!("({ty}.{operator} {})", self.scalar(ty));
                self.arithmetic(ty, text)
            }
            15 => {
                let operator = if ty == "f32" {
                    "demote_f64"
                } else {
                    "promote_f32"
                };
                let text = format!("({ty}.{operator} {})", self.scalar(other));
                self.arithmetic(ty, text)
            }
            16 => format!("({ty}.neg {})", self.scalar(ty)),
            17 => format!("({ty}.copysign {} {})", self.scalar(ty), self.scalar(ty)),
            18 => format!(
                "(select {} {} {})",
                self.scalar(ty),
                self.scalar(ty),
                self.condition()
            ),
            19 => format!("(local.tee ${ty}_{} {})", self.pick(4), self.scalar(ty)),
            20 => format!(
                "({ty}.reinterpret_{bits} ({bits}.reinterpret_{ty} {}))",
                self.scalar(ty)
            ),
            21 => format!(
                "(block (result {ty}) (br_if 0 {} {}))",
                self.scalar(ty),
                self.condition()
            ),
            22 => format!(
                "({ty}x{}.extract_lane 1 {})",
                if ty == "f32" { 4 } else { 2 },
                self.vector()
            ),
            _ => format!("(call $same_{ty} {})", self.scalar(ty)),
        };
        self.depth -= 1;
        text
    }

    fn vector(&mut self) -> String {
        self.depth += 1;
        let shape = ["f32x4", "f64x2"][usize::from(self.pick(2))];
        let scalar = &shape[..3];
        let choice = if self.depth > 5 {
            self.pick(3)
        } else {
            self.pick(13)
        };
        let text = match choice {
            0 | 1 => format!("(local.get $v_{})", self.pick(3)),
            2 => format!("(v128.load (i32.const {}))", 16 * self.pick(8)),
            3 => format!("({shape}.splat {})", self.scalar(scalar)),
            4..=6 => {
                let operator = ["add", "div", "max"][usize::from(choice - 4)];
                let text = format!("({shape}.{operator} {} {})", self.vector(), self.vector());
                self.arithmetic(shape, text)
            }
            7 => format!("({shape}.neg {})", self.vector()),
            8 => format!("({shape}.pmax {} {})", self.vector(), self.vector()),
            9 => format!("({shape}.lt {} {})", self.vector(), self.vector()),
            10 => format!(
                "({shape}.replace_lane 1 {} {})",
                self.vector(),
                self.scalar(scalar)
            ),
            11 => format!(
                "(select {} {} {})",
                self.vector(),
                self.vector(),
                self.condition()
            ),
            _ => format!("(local.tee $v_{} {})", self.pick(3), self.vector()),
        };
        self.depth -= 1;
        text
    }

    fn condition(&mut self) -> String {
        let ty = ["f32", "f64"][usize::from(self.pick(2))];
        format!(
            "({ty}.lt (local.get ${ty}_{}) (local.get ${ty}_{}))",
            self.pick(4),
            self.pick(4)
        )
    }

    fn statement(&mut self) -> String {
        self.depth += 1;
        let ty = ["f32", "f64"][usize::from(self.pick(2))];
        let choice = if self.depth > 3 {
            self.pick(5)
        } else {
            self.pick(8)
        };
        let text = match choice {
            0 | 1 => format!("(local.set ${ty}_{} {})", self.pick(4), self.scalar(ty)),
            2 => format!(
                "({ty}.store (i32.const {}) {})",
                16 * self.pick(8),
                self.scalar(ty)
            ),
            3 => format!("(local.set $v_{} {})", self.pick(3), self.vector()),
            4 => format!("(global.set ${ty} {})", self.scalar(ty)),
            5 => format!(
                "(if {} (then {}) (else {}))",
                self.condition(),
                self.statement(),
                self.statement()
            ),
            6 => format!(
                "(local.set $i (i32.const 0)) (loop {} (br_if 0 (i32.lt_u (local.tee $i
                   (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))",
                self.statement()
            ),
            _ => format!("{} {}", self.statement(), self.statement()),
        };
        self.depth -= 1;
        text
    }

    /// A module that ends with all it has in its memory.
    fn module(&mut self) -> String {
        let body: String = (0..6).map(|_| self.statement()).collect();
        let mut all = String::new();
        for (place, local) in [
            "f32_0", "f32_1", "f32_2", "f32_3", "f64_0", "f64_1", "f64_2", "f64_3",
        ]
        .iter()
        .enumerate()
        {
            all += &format!(
                "({}.store (i32.const {}) (local.get ${local}))",
                &local[..3],
                200 + 8 * place
            );
        }
        for vector in 0..3 {
            all += &format!(
                "(v128.store (i32.const {}) (local.get $v_{vector}))",
                300 + 16 * vector
            );
        }
        let canonical: String = [("f32", "f32.const nan", "select"), ("f64", "f64.const nan", "select")]
            .iter()
            .map(|(ty, nan, choose)| {
                format!(
                    "(func $canonical_{ty} (param {ty}) (result {ty}) local.get 0 {nan} local.get 0 local.get 0 {ty}.eq {choose})"
                )
            })
            .chain(["f32x4", "f64x2"].iter().map(|shape| {
                let nan = format!("{}.const nan {shape}.splat", &shape[..3]);
                format!(
                    "(func $canonical_{shape} (param v128) (result v128)
                       local.get 0 {nan} local.get 0 local.get 0 {shape}.eq v128.bitselect)"
                )
            }))
            .collect();
        format!(
            r#"(module (memory (export "m") 1) (global $f32 (mut f32) (f32.const nan:0x200007))
              (global $f64 (mut f64) (f64.const nan:0x4000000000007)) {canonical}
              (data (i32.const 16) "\01\00\a0\7f\01\00\a0\7f\00\00\00\00\00\00\f4\7f") (data (i32.const 64) "\00\00\80\bf")
              (func $same_f32 (param f32) (result f32) local.get 0) (func $same_f64 (param f64) (result f64) local.get 0)
              (func (export "f") (param $f32_0 f32) (param $f64_0 f64) (local $i i32) (local $f32_1 f32) (local $f32_2 f32)
                (local $f32_3 f32) (local $f64_1 f64) (local $f64_2 f64) (local $f64_3 f64)
                (local $v_0 v128) (local $v_1 v128) (local $v_2 v128)
                {body} {all}))"#
        )
    }
}
