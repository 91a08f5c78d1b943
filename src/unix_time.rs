//! A moment, as the calendar counts it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds; negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(
    /// The seconds.
    pub i64,
);

impl UnixTime {
    /// The clock of the system.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        UnixTime(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => {
                let before = before.duration();
                -seconds(before) - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moment_before_the_epoch_rounds_down() {
        assert_eq!(UnixTime::from(UNIX_EPOCH - Duration::from_millis(1)), UnixTime(-1));
        assert_eq!(UnixTime::from(UNIX_EPOCH + Duration::from_millis(1999)), UnixTime(1));
    }
}
