//! The kernels of `guests/kernels`: their results, and their fuel, which must never change.

mod common;

use aingle_wasm_prepare::PrepareConfig;
use aingle_wasm_types::meter::Stop;
use common::kernels::kernels;
use common::{Guest, Outcome};
use wasmi::Val;

/// Name, argument, result as the bits of its type, fuel. The same counts came out when each straight-line block was
/// charged as it began.
const PINNED: &[(&str, i32, u64, i64)] = &[
    ("fib", 15, 987, 17753),
    ("bulk", 1, 1499844430, 1507667),
    ("compress", 1, 29508, 4551831),
    ("crc32", 1, 311501110, 1548972),
    ("hashmap", 50, 15767645652639594247, 789893),
    ("interpreter", 50, 1347509047, 26384),
    ("json", 1, 4264456053, 3621274),
    ("levenshtein", 1, 424, 10794043),
    ("life", 1, 289949, 1973554),
    ("mandelbrot", 1, 1, 102),
    ("matmul", 1, 0, 191),
    ("nbody", 50, 274364, 81502),
    ("queens", 1, 1, 71),
    ("quicksort", 50, 4084936288, 26960),
    ("sha256", 1, 4260018604, 20619),
    ("sieve", 50, 15, 2042),
    ("simd", 1, 4, 36),
];

#[test]
fn fuel_is_pinned_and_is_the_exact_limit() {
    let kernels = kernels();
    assert_eq!(kernels.len(), PINNED.len(), "every kernel is pinned");
    let cases = kernels.iter().zip(PINNED);
    for (((name, export, wasm), (pinned, argument, result, fuel)), unroll) in
        cases.flat_map(|case| [(case, false), (case, true)])
    {
        assert_eq!(name, pinned);
        let config = PrepareConfig {
            unroll,
            ..PrepareConfig::default()
        };
        let run = |limit: i64| {
            Guest::from_wasm(wasm, &config).call(export, &[Val::I32(*argument)], limit)
        };
        assert_eq!(
            run(1 << 40),
            (Outcome::Returned(vec![*result]), *fuel),
            "{name}"
        );
        assert_eq!(
            run(*fuel),
            (Outcome::Returned(vec![*result]), *fuel),
            "{name} at its limit"
        );
        assert_eq!(
            run(*fuel - 1).0,
            Outcome::Stopped(Stop::Fuel),
            "{name} below its limit"
        );
    }
}
