//! The monotonic clock, in nanoseconds.

/// Limits from here on are measured from a coarse reading, which costs a quarter of an exact one.
const COARSE_FROM_MS: u64 = 1_000;
/// What a coarse reading may be behind: one tick of the slowest kernels.
const TICK_NS: u64 = 10_000_000;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// Later than any other.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn now() -> Self {
        Self(exact())
    }

    /// When a limit that begins now is over: never before, for limits of a second and more up to a tick after.
    pub(crate) fn after(limit_ms: u64) -> Self {
        let limit = limit_ms.saturating_mul(1_000_000);
        let begin = if limit_ms < COARSE_FROM_MS {
            exact()
        } else {
            coarse().saturating_add(TICK_NS)
        };
        Self(begin.saturating_add(limit))
    }

    /// Whether it is over. Exact, though the exact clock is read only shortly before.
    pub(crate) fn is_over(self) -> bool {
        self.0 <= coarse().saturating_add(TICK_NS) && self.0 <= exact()
    }

    /// Nanoseconds from `earlier` to this; 0 if it is the other way round.
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(target_os = "linux")]
pub(crate) fn read_clock(clock: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

#[cfg(target_os = "linux")]
fn exact() -> u64 {
    read_clock(rustix::time::ClockId::Monotonic)
}

#[cfg(target_os = "linux")]
fn coarse() -> u64 {
    read_clock(rustix::time::ClockId::MonotonicCoarse)
}

#[cfg(not(target_os = "linux"))]
fn exact() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(not(target_os = "linux"))]
fn coarse() -> u64 {
    exact()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_over_early() {
        for limit in [1, 10, 999, 1_000, 30_000] {
            let before = Moment::now();
            let end = Moment::after(limit);
            assert!(end.since(before) >= limit * 1_000_000, "{limit}");
            assert!(end.since(Moment::now()) <= limit * 1_000_000 + 2 * TICK_NS);
        }
        assert!(Moment::after(u64::MAX) > Moment::now());
    }

    #[test]
    fn a_moment_is_over_when_the_exact_clock_says_so() {
        assert!(!Moment::NEVER.is_over());
        assert!(!Moment::after(60_000).is_over());
        assert!(Moment::now().is_over());
        let soon = Moment::after(30);
        loop {
            let (before, over, after) = (Moment::now(), soon.is_over(), Moment::now());
            assert!(over || soon > before, "late");
            assert!(!over || soon <= after, "early");
            if over {
                break;
            }
        }
    }
}
