//! The priority of the threads that run guests.

/// How much lower than that of the thread that it was started from: about a third of the share of a thread that wants the same processor.
#[cfg(target_os = "linux")]
const STEPS: i32 = 5;

/// The lowest there is.
#[cfg(target_os = "linux")]
const LOWEST: i32 = 19;

/// Lowers the priority of this thread, for good: a process may not raise one again. What it starts has that priority as well.
/// Does nothing where that is not possible, or might be punished.
#[cfg(target_os = "linux")]
pub(crate) fn give_way() {
    use rustix::process::{getpriority_process, setpriority_process};
    if is_filtered() {
        return;
    }
    // To Linux a thread is a process of its own here, and none means this one.
    if let Ok(current) = getpriority_process(None) {
        let _ = setpriority_process(None, (current + STEPS).min(LOWEST));
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way() {}

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
