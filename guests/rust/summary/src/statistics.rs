//! What is kept of a sensor's readings.

use serde::{Serialize, Serializer};

use crate::reading::Reading;

/// Count, extremes, mean and time span of a sensor's readings.
#[derive(Serialize)]
pub(crate) struct Statistics<'a> {
    count: u32,
    min: f64,
    max: f64,
    mean: Mean,
    first: &'a str,
    last: &'a str,
}

/// A running mean that does not lose small values beside a large sum.
struct Mean {
    value: f64,
    count: f64,
}

impl<'a> Statistics<'a> {
    /// The statistics of one reading.
    pub(crate) fn of(reading: &Reading<'a>) -> Self {
        Self {
            count: 1,
            min: reading.value,
            max: reading.value,
            mean: Mean {
                value: reading.value,
                count: 1.0,
            },
            first: reading.timestamp,
            last: reading.timestamp,
        }
    }

    /// Adds a reading; they may come in any order.
    pub(crate) fn add(&mut self, reading: &Reading<'a>) {
        self.count += 1;
        self.min = self.min.min(reading.value);
        self.max = self.max.max(reading.value);
        self.mean.add(reading.value);
        self.first = self.first.min(reading.timestamp);
        self.last = self.last.max(reading.timestamp);
    }
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.value += (value - self.value) / self.count;
    }
}

impl Serialize for Mean {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value)
    }
}
