//! Which jobs run, and which of them hold one of the pool's places.

use crate::config::cores;
use crate::priority::GuestThread;
use crate::stop::Moment;

/// Threads that may wait in host functions without holding a place.
const MAX_PARKED: usize = 256;

/// Threads that may run a long job without holding a place, where twice as many as processors are not more. The event loop feels each of them.
const MAX_LONG: usize = if cfg!(target_pointer_width = "64") {
    16
} else {
    8
};

/// A job that has held its place for so many nanoseconds is a long one if it had a processor for half of them.
const LONG_NS: u64 = 20_000_000;

/// The jobs that run, by number.
#[derive(Default)]
pub(super) struct Places {
    jobs: Vec<Option<Job>>,
    free: Vec<usize>,
    /// Those that hold a place.
    pub(super) held: usize,
    /// Those that wait in a host function.
    pub(super) parked: usize,
    /// Those that gave their place up because they take long.
    pub(super) given_up: usize,
}

struct Job {
    thread: GuestThread,
    /// When it began, or last came out of a host function.
    since: Moment,
    standing: Standing,
    /// What its thread had run until then, in nanoseconds, if that is known.
    ran_before: Option<u64>,
    pace: Pace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Held,
    Parked,
    GivenUp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Nothing is known against it.
    Short,
    /// It is a long one.
    Long,
    /// It is a long one, and the priority of its thread was lowered because of it.
    Lowered,
}

impl Job {
    /// Whether it has held its place for long, and run in that time rather than waited for a processor.
    fn takes_long(&mut self, now: Moment) -> bool {
        if self.standing != Standing::Held || now.since(self.since) < LONG_NS {
            return false;
        }
        match (self.thread.ran_ns(), self.ran_before) {
            (None, _) => true,
            (Some(ran), Some(before)) => ran.saturating_sub(before) >= LONG_NS / 2,
            // Known from now on.
            (ran, None) => {
                self.ran_before = ran;
                false
            }
        }
    }
}

impl Places {
    /// Gives a place to a job that begins `now` on a thread that has run for `ran` nanoseconds; the number is for the other functions.
    pub(super) fn take(&mut self, thread: GuestThread, now: Moment, ran: Option<u64>) -> usize {
        self.held += 1;
        let job = Some(Job {
            thread,
            since: now,
            standing: Standing::Held,
            ran_before: ran,
            pace: Pace::Short,
        });
        if let Some(number) = self.free.pop() {
            self.jobs[number] = job;
            number
        } else {
            self.jobs.push(job);
            self.jobs.len() - 1
        }
    }

    /// Ends a job. Answers whether the priority of its thread was lowered.
    pub(super) fn leave(&mut self, number: usize) -> bool {
        let Some(job) = self.jobs[number].take() else {
            return false;
        };
        self.free.push(number);
        *self.count(job.standing) -= 1;
        job.pace == Pace::Lowered
    }

    /// Takes the place from a job that waits. Answers whether it did: it may have ended, be waiting already, or too many are.
    pub(super) fn park(&mut self, number: usize) -> bool {
        self.parked < MAX_PARKED && self.stand(number, Standing::Parked)
    }

    /// Gives the place back to a job that was parked, whether there is one or not.
    pub(super) fn unpark(&mut self, number: usize) {
        if self.stand(number, Standing::Held)
            && let Some(job) = &mut self.jobs[number]
        {
            (job.since, job.ran_before) = (Moment::now(), None);
        }
    }

    fn stand(&mut self, number: usize, standing: Standing) -> bool {
        let Some(job) = &mut self.jobs[number] else {
            return false;
        };
        let former = std::mem::replace(&mut job.standing, standing);
        *self.count(former) -= 1;
        *self.count(standing) += 1;
        former != standing
    }

    fn count(&mut self, standing: Standing) -> &mut usize {
        match standing {
            Standing::Held => &mut self.held,
            Standing::Parked => &mut self.parked,
            Standing::GivenUp => &mut self.given_up,
        }
    }

    /// Looks for jobs that take long by now, and has them give way to others if they are more than there are processors.
    pub(super) fn give_way(&mut self, now: Moment) {
        for job in self.jobs.iter_mut().flatten() {
            if job.pace == Pace::Short && job.takes_long(now) {
                job.pace = Pace::Long;
            }
        }
        let long = self.jobs.iter_mut().flatten();
        let mut long: Vec<_> = long
            .filter(|job| job.pace != Pace::Short && job.standing != Standing::Parked)
            .collect();
        if long.len() > cores() {
            for job in long.iter_mut().filter(|job| job.pace == Pace::Long) {
                if job.thread.give_way() {
                    job.pace = Pace::Lowered;
                }
            }
        }
    }

    /// Takes their places from the jobs that take long: from as many as there are processors in any case.
    pub(super) fn give_up(&mut self) {
        for number in 0..self.jobs.len() {
            let held = self.jobs[number].as_ref();
            let Some(job) = held.filter(|job| job.standing == Standing::Held) else {
                continue;
            };
            let allowed = match job.pace {
                Pace::Short => 0,
                Pace::Long => cores(),
                Pace::Lowered => MAX_LONG.max(2 * cores()),
            };
            if self.given_up < allowed {
                self.stand(number, Standing::GivenUp);
            }
        }
    }

    /// When the next of the jobs that hold a place, or will at once, will have run long.
    pub(super) fn next_long(&self) -> Moment {
        let held = self.jobs.iter().flatten();
        let held = held.filter(|job| job.standing == Standing::Held);
        let first = held.map(|job| job.since).min();
        let first = first.unwrap_or_else(Moment::now);
        Moment(first.0.saturating_add(LONG_NS))
    }
}
