//! Times contestants against each other on one program: in turn, round by round; the median of the rounds counts. What is
//! taken is the thread's own processor time, so that a neighbour on the machine does not count.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

use crate::engine::{CONTESTANTS, Contestant, Machine};
use crate::program::{Program, Run};

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub rounds: usize,
    /// How long a contestant runs in one round, at least.
    pub sample: Duration,
}

/// What measuring a program gave.
pub struct Outcome {
    /// Nanoseconds of one run, in the order of [`CONTESTANTS`].
    pub nanoseconds: Vec<f64>,
    /// Fuel of one run by our count.
    pub fuel: u64,
}

struct Trial {
    machine: Box<dyn Machine>,
    run: Run,
    times: u32,
    samples: Vec<f64>,
    digest: u64,
    fuel: Option<u64>,
}

/// Runs `program` on every contestant.
///
/// # Errors
/// If a contestant does not run it, or any two do not agree on its output or on our count.
pub fn measure(program: &Program, settings: Settings) -> Result<Outcome> {
    let mut trials = CONTESTANTS
        .iter()
        .map(|contestant| {
            Trial::begin(contestant, program, settings.sample)
                .with_context(|| format!("{} on {}, {:?}", program.name, contestant.engine, contestant.metering))
        })
        .collect::<Result<Vec<_>>>()?;
    let fuel = agreed(program, &trials)?;
    for round in 0..settings.rounds {
        // Nobody always runs after the same neighbour.
        let count = trials.len();
        for index in 0..count {
            trials[(round + index) % count].sample()?;
        }
    }
    let nanoseconds = trials.iter_mut().map(|trial| median(&mut trial.samples)).collect();
    Ok(Outcome { nanoseconds, fuel })
}

/// The fuel of one run, once all contestants agree on it and on the output.
fn agreed(program: &Program, trials: &[Trial]) -> Result<u64> {
    for trial in trials {
        ensure!(trial.digest == trials[0].digest, "{}: outputs differ", program.name);
    }
    let counts: Vec<u64> = trials.iter().filter_map(|trial| trial.fuel).collect();
    let fuel = *counts.first().context("nobody counts")?;
    ensure!(
        counts.iter().all(|count| *count == fuel),
        "{}: counts differ: {counts:?}",
        program.name
    );
    Ok(fuel)
}

impl Trial {
    /// Loads and sets up the program, runs it once to see what it gives, and then to see how long it takes.
    fn begin(contestant: &Contestant, program: &Program, sample: Duration) -> Result<Self> {
        let mut machine = contestant.load(&program.wasm)?;
        let mut run = program.task.set_up(machine.as_mut())?;
        let before = machine.fuel_used();
        let digest = run(machine.as_mut())?;
        let fuel = machine.fuel_used().zip(before).map(|(after, before)| after - before);
        let begun = processor_time();
        run(machine.as_mut())?;
        let once = (processor_time() - begun).max(100.0);
        let times = (sample.as_nanos() as f64 / once).ceil() as u32;
        Ok(Self {
            machine,
            run,
            times: times.max(1),
            samples: Vec::new(),
            digest,
            fuel,
        })
    }

    fn sample(&mut self) -> Result<()> {
        let begun = processor_time();
        for _ in 0..self.times {
            (self.run)(self.machine.as_mut())?;
        }
        self.samples.push((processor_time() - begun) / f64::from(self.times));
        Ok(())
    }
}

/// What this thread has used of a processor, in nanoseconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
