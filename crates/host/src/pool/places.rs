//! Which jobs run, and which of them hold one of the pool's places.

use crate::priority::GuestThread;
use crate::stop::Moment;

/// Threads that may wait in host functions without holding a place.
const MAX_PARKED: usize = 256;

/// Threads that may run a long job without holding a place, if their priority is low. Of others as many as there are places.
const MAX_LONG: usize = if cfg!(target_pointer_width = "64") {
    32
} else {
    8
};

/// From so many nanoseconds on a job is a long one.
const LONG_NS: u64 = 10_000_000;

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
    pub(super) long: usize,
}

struct Job {
    thread: GuestThread,
    /// When it began, or last came out of a host function.
    since: Moment,
    standing: Standing,
    /// Whether the priority of its thread was lowered because of it.
    lowered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Held,
    Parked,
    Long,
}

impl Job {
    /// Whether it has held its place for long.
    fn is_long(&self, now: Moment) -> bool {
        self.standing == Standing::Held && now.since(self.since) >= LONG_NS
    }
}

impl Places {
    /// Gives a place to a job that begins; the number is for the other functions.
    pub(super) fn take(&mut self, thread: GuestThread) -> usize {
        self.held += 1;
        let job = Some(Job {
            thread,
            since: Moment::now(),
            standing: Standing::Held,
            lowered: false,
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
        job.lowered
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
            job.since = Moment::now();
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
            Standing::Long => &mut self.long,
        }
    }

    /// Has the jobs that run long by now give way to others.
    pub(super) fn give_way(&mut self, now: Moment) {
        for job in self.jobs.iter_mut().flatten() {
            if job.is_long(now) {
                job.lowered = job.lowered || job.thread.give_way();
            }
        }
    }

    /// Takes their places, of which there are so many, from the jobs that run long by now.
    pub(super) fn give_up(&mut self, now: Moment, places: usize) {
        for job in self.jobs.iter_mut().flatten() {
            let most = if job.lowered { MAX_LONG } else { places };
            if job.is_long(now) && self.long < most {
                job.standing = Standing::Long;
                self.held -= 1;
                self.long += 1;
            }
        }
    }

    /// When the next of the jobs that hold a place will have run long.
    pub(super) fn next_long(&self) -> Moment {
        let held = self.jobs.iter().flatten();
        let held = held.filter(|job| job.standing == Standing::Held);
        held.map(|job| Moment(job.since.0.saturating_add(LONG_NS)))
            .min()
            .unwrap_or(Moment::NEVER)
    }
}
