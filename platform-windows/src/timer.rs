//! Any system: short sleeps, each with a look at the clock.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest sleep: as late a clock that is set, or a computer that wakes up, is noticed.
const SLEEP: Duration = Duration::from_secs(10);

/// A clock to wait for, which another thread can stop.
#[derive(Debug, Default)]
pub struct Timer {
    is_stopped: Mutex<bool>,
    stopped: Condvar,
}

impl Timer {
    /// A timer that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Timer::default()
    }

    /// Waits until the clock of the system shows this time, in seconds since 1970-01-01T00:00:00Z.
    /// False if the timer was stopped.
    pub fn wait_until(&self, unix_seconds: i64) -> bool {
        let due = UNIX_EPOCH + Duration::from_secs(unix_seconds.max(0).unsigned_abs());
        let mut is_stopped = self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_stopped {
            let Ok(left) = due.duration_since(SystemTime::now()) else { return true };
            if left.is_zero() {
                return true;
            }
            let woken = self.stopped.wait_timeout(is_stopped, left.min(SLEEP));
            is_stopped = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Ends all waiting, for ever.
    pub fn stop(&self) {
        *self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.notify_all();
    }
}
