//! When to try again what has failed: a pure function of how often and when.

/// Seconds after the first failure; doubled with each further one.
const FIRST_SECONDS: i64 = 1;
/// The longest wait in seconds.
const LONGEST_SECONDS: i64 = 256;

/// Failures in a row. They are never final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retry {
    failures: u32,
    last: i64,
}

impl Retry {
    pub(super) const fn new() -> Self {
        Retry { failures: 0, last: 0 }
    }

    /// Remembers a failure.
    pub(super) fn failed(&mut self, now: i64) {
        self.failures = self.failures.saturating_add(1);
        self.last = now;
    }

    /// Forgets all failures.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The time of the next try, if there was a failure.
    pub(super) fn due_at(&self) -> Option<i64> {
        let doublings = self.failures.checked_sub(1)?.min(16);
        Some(self.last.saturating_add((FIRST_SECONDS << doublings).min(LONGEST_SECONDS)))
    }

    /// Whether it is time to try. A clock that has gone back behind the failure does not delay.
    pub(super) fn is_due(&self, now: i64) -> bool {
        self.due_at().is_none_or(|due| now >= due || now < self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_tried_again_at_once_or_never() {
        let mut retry = Retry::new();
        assert!(retry.is_due(0));
        let mut waits = std::vec::Vec::new();
        let mut now = 1000;
        for _ in 0..40 {
            retry.failed(now);
            let wait = (0..).find(|&wait| retry.is_due(now + wait)).unwrap();
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 256]);
        assert_eq!(waits[39], LONGEST_SECONDS);
        retry.succeeded();
        assert!(retry.is_due(now));
    }

    #[test]
    fn a_clock_that_goes_back_delays_the_next_try() {
        let mut retry = Retry::new();
        for now in [i64::MAX - 1, i64::MAX, 5] {
            retry.failed(now);
        }
        assert!(!retry.is_due(5) && retry.is_due(4) && retry.is_due(9));
    }
}
