//! The priority of the threads that run guests. A process may lower it and never raise it again.

/// How much lower than that of the thread that it was started from: about a third of the share of a thread that wants the same processor.
#[cfg(target_os = "linux")]
const STEPS: i32 = 5;

/// How much lower still when more calls take long than there are processors.
#[cfg(target_os = "linux")]
const LONG_STEPS: i32 = 12;

/// The lowest there is.
#[cfg(target_os = "linux")]
const LOWEST: i32 = 19;

/// A thread that runs guests, for who may lower its priority. Does nothing where that is not possible, or might be punished.
#[derive(Clone, Copy)]
pub(crate) struct GuestThread {
    #[cfg(target_os = "linux")]
    id: Option<rustix::thread::Pid>,
}

#[cfg(target_os = "linux")]
impl GuestThread {
    /// This thread, whose priority is lowered. What it starts has that priority as well.
    pub(crate) fn begin() -> Self {
        let id = (!is_filtered()).then(rustix::thread::gettid);
        let thread = Self { id };
        thread.lower(STEPS);
        thread
    }

    /// Lowers its priority further. Answers whether it did.
    pub(crate) fn give_way(self) -> bool {
        self.lower(LONG_STEPS)
    }

    /// How long this thread, which must be the caller's, has had a processor until now, in nanoseconds. `None` where [`Self::ran_ns`] is.
    pub(crate) fn own_ran_ns(self) -> Option<u64> {
        self.id
            .map(|_| crate::stop::read_clock(rustix::time::ClockId::ThreadCPUTime))
    }

    /// The same of any thread; up to a tick of the kernel behind. `None` where that is not told.
    pub(crate) fn ran_ns(self) -> Option<u64> {
        let id = self.id?.as_raw_nonzero();
        let told = std::fs::read_to_string(format!("/proc/self/task/{id}/schedstat")).ok()?;
        told.split(' ').next()?.parse().ok()
    }

    fn lower(self, steps: i32) -> bool {
        use rustix::process::{getpriority_process, setpriority_process};
        // To Linux a thread is a process of its own here.
        self.id.is_some()
            && getpriority_process(self.id)
                .and_then(|current| setpriority_process(self.id, (current + steps).min(LOWEST)))
                .is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
impl GuestThread {
    pub(crate) fn begin() -> Self {
        Self {}
    }

    pub(crate) fn give_way(self) -> bool {
        false
    }

    pub(crate) fn own_ran_ns(self) -> Option<u64> {
        None
    }

    pub(crate) fn ran_ns(self) -> Option<u64> {
        None
    }
}

/// Whether a filter judges this thread's system calls. Some end the process for one that they do not allow, and nobody can ask ahead.
#[cfg(target_os = "linux")]
fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status");
    status.map_or(true, |status| {
        status
            .lines()
            .filter_map(|line| line.strip_prefix("Seccomp:"))
            .any(|mode| mode.trim() != "0")
    })
}
