//! The table: ratios by program, their geometric mean and the worst of them.

use std::fmt::Write;

use crate::engine::{CONTESTANTS, Metering};
use crate::measure::Outcome;
use crate::program::Origin;

/// A measured program.
pub struct Row {
    pub name: String,
    pub origin: Origin,
    pub outcome: Outcome,
}

/// A column: the time of one contestant over that of another.
struct Ratio {
    title: &'static str,
    of: (&'static str, Metering),
    to: (&'static str, Metering),
    /// Largest mean and worst that are aimed at.
    target: Option<(f64, f64)>,
}

const RATIOS: &[Ratio] = &[
    Ratio {
        title: "wasmer, ours",
        of: ("wasmer", Metering::Ours),
        to: ("wasmer", Metering::None),
        target: Some((1.06, f64::INFINITY)),
    },
    Ratio {
        title: "… interruptible",
        of: ("wasmer", Metering::Interruptible),
        to: ("wasmer", Metering::None),
        target: Some((1.12, 1.38)),
    },
    Ratio {
        title: "… loops unrolled",
        of: ("wasmer", Metering::Unrolled),
        to: ("wasmer", Metering::None),
        target: Some((1.07, 1.27)),
    },
    Ratio {
        title: "wasmer, middleware",
        of: ("wasmer", Metering::Theirs),
        to: ("wasmer", Metering::None),
        target: None,
    },
    Ratio {
        title: "wasmtime, fuel",
        of: ("wasmtime", Metering::Theirs),
        to: ("wasmtime", Metering::None),
        target: None,
    },
    Ratio {
        title: "wasmi, ours",
        of: ("wasmi", Metering::Ours),
        to: ("wasmi", Metering::None),
        target: Some((1.18, f64::INFINITY)),
    },
    Ratio {
        title: "… interruptible",
        of: ("wasmi", Metering::Interruptible),
        to: ("wasmi", Metering::None),
        target: None,
    },
    Ratio {
        title: "wasmer, loops unrolled / wasmtime, fuel",
        of: ("wasmer", Metering::Unrolled),
        to: ("wasmtime", Metering::Theirs),
        target: Some((0.85, f64::INFINITY)),
    },
    Ratio {
        title: "wasmer / wasmtime, both unmetered",
        of: ("wasmer", Metering::None),
        to: ("wasmtime", Metering::None),
        target: None,
    },
];

impl Ratio {
    fn value(&self, row: &Row) -> f64 {
        time(row, self.of) / time(row, self.to)
    }
}

fn time(row: &Row, (engine, metering): (&str, Metering)) -> f64 {
    let index = CONTESTANTS
        .iter()
        .position(|contestant| contestant.engine == engine && contestant.metering == metering)
        .expect("the table names contestants that there are");
    row.outcome.nanoseconds[index]
}

/// All rows and their means, as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![header(), rule()];
    lines.extend(rows.iter().map(line));
    for (label, origin) in [
        ("**kernels**", Some(Origin::Kernel)),
        ("**programs from npm**", Some(Origin::Package)),
        ("**all**", None),
    ] {
        let chosen: Vec<&Row> = rows
            .iter()
            .filter(|row| origin.is_none_or(|origin| row.origin == origin))
            .collect();
        if !chosen.is_empty() {
            lines.push(overall(&format!("{label}, geometric mean"), &chosen, geometric_mean));
            lines.push(overall(&format!("{label}, worst"), &chosen, worst));
        }
    }
    lines.push(targets());
    lines.join("\n")
}

fn header() -> String {
    RATIOS.iter().fold(
        "| program | fuel of a run | wasmer, unmetered |".to_owned(),
        |mut line, ratio| {
            let _ = write!(line, " {} |", ratio.title);
            line
        },
    )
}

fn rule() -> String {
    format!("|---|{}", "---:|".repeat(RATIOS.len() + 2))
}

fn line(row: &Row) -> String {
    let milliseconds = time(row, ("wasmer", Metering::None)) / 1e6;
    let mut line = format!("| {} | {} | {milliseconds:.3} ms |", row.name, row.outcome.fuel);
    for ratio in RATIOS {
        let _ = write!(line, " {:.3} |", ratio.value(row));
    }
    line
}

fn overall(label: &str, rows: &[&Row], of: fn(&[f64]) -> f64) -> String {
    let mut line = format!("| {label} | | |");
    for ratio in RATIOS {
        let values: Vec<f64> = rows.iter().map(|row| ratio.value(row)).collect();
        let _ = write!(line, " {:.3} |", of(&values));
    }
    line
}

fn targets() -> String {
    let mut line = "| target, mean / worst | | |".to_owned();
    for ratio in RATIOS {
        let text = match ratio.target {
            None => String::new(),
            Some((mean, worst)) if worst.is_finite() => format!("≤ {mean} / ≤ {worst}"),
            Some((mean, _)) => format!("≤ {mean}"),
        };
        let _ = write!(line, " {text} |");
    }
    line
}

fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
