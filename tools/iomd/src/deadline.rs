// SPDX-License-Identifier: MIT OR Apache-2.0

//! Until when a suspension may make others wait.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment of `CLOCK_MONOTONIC`, for [`SuspendBuilder::deadline`](crate::SuspendBuilder::deadline).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// The latest that the kernel takes, 292 years after the clock's start.
    pub const LATEST: Self = Self(i64::MAX as u64);

    /// So long from now; [`LATEST`](Self::LATEST) if that is beyond it.
    pub fn after(duration: Duration) -> Self {
        let later = u64::try_from(duration.as_nanos())
            .ok()
            .and_then(|duration| now().checked_add(duration))
            .map_or(Self::LATEST, Self);
        later.min(Self::LATEST)
    }

    /// So many nanoseconds after the clock's start. 0, which the kernel takes for none, is made 1.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(if nanoseconds == 0 { 1 } else { nanoseconds })
    }

    /// Nanoseconds since the clock's start.
    pub const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// Whether it is over.
    pub fn has_passed(self) -> bool {
        self.0 <= now()
    }
}

/// The clock's time, in nanoseconds.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The clock starts at 0 and does not get beyond `LATEST`.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_when_its_time_has_come() {
        let deadline = Deadline::after(Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(1));
        assert!(deadline.has_passed());
        assert!(!Deadline::after(Duration::from_secs(1 << 20)).has_passed());
    }

    #[test]
    fn what_is_too_late_is_the_latest() {
        assert_eq!(Deadline::after(Duration::MAX), Deadline::LATEST);
        assert_eq!(Deadline::after(Duration::from_nanos(i64::MAX as u64)), Deadline::LATEST);
        assert!(!Deadline::LATEST.has_passed());
    }

    #[test]
    fn there_is_no_deadline_that_is_none() {
        assert_eq!(Deadline::from_nanoseconds(0).nanoseconds(), 1);
        assert!(Deadline::from_nanoseconds(0).has_passed());
    }
}
