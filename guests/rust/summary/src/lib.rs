//! CSV of sensor readings in, JSON summary per sensor out.
//!
//! A line is `sensor,timestamp,value`, the timestamp `YYYY-MM-DDThh:mm:ssZ`. A first line that begins with `sensor,` is a
//! header. Lines that are not readings are counted and the first of them listed; they do not end the summary.

mod reading;
mod statistics;

use std::collections::BTreeMap;

use aingle_wasm_guest::prelude::*;
use serde::Serialize;

use crate::reading::Reading;
use crate::statistics::Statistics;

/// Rejected lines that are listed one by one.
const LISTED: usize = 10;

/// What is known of a file of readings.
#[derive(Serialize)]
struct Summary<'a> {
    accepted: usize,
    rejected: usize,
    /// The first rejected lines.
    rejections: Vec<Rejection>,
    sensors: BTreeMap<&'a str, Statistics<'a>>,
}

/// A line that is no reading.
#[derive(Serialize)]
struct Rejection {
    /// From 1.
    line: usize,
    reason: &'static str,
}

/// Summarises the readings of a CSV file.
#[aingle_export]
fn summarize(csv: &'static str) -> Result<Summary<'static>, GuestError<'static>> {
    let summary = summary_of(csv);
    if summary.accepted == 0 {
        return Err(wasm_error!(
            GuestErrorKind::Validation,
            "none of {} lines is a reading",
            summary.rejected
        ));
    }
    Ok(summary)
}

fn summary_of(csv: &str) -> Summary<'_> {
    let mut summary = Summary {
        accepted: 0,
        rejected: 0,
        rejections: Vec::new(),
        sensors: BTreeMap::new(),
    };
    for (index, line) in csv.lines().enumerate() {
        if line.trim().is_empty() || (index == 0 && line.starts_with("sensor,")) {
            continue;
        }
        match Reading::parse(line) {
            Ok(reading) => summary.accept(reading),
            Err(reason) => summary.reject(index + 1, reason),
        }
    }
    summary
}

impl<'a> Summary<'a> {
    fn accept(&mut self, reading: Reading<'a>) {
        self.accepted += 1;
        self.sensors
            .entry(reading.sensor)
            .and_modify(|statistics| statistics.add(&reading))
            .or_insert_with(|| Statistics::of(&reading));
    }

    fn reject(&mut self, line: usize, reason: &'static str) {
        self.rejected += 1;
        if self.rejections.len() < LISTED {
            self.rejections.push(Rejection { line, reason });
        }
    }
}
