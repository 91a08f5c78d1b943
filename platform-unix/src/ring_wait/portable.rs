//! Any system: short sleeps, each followed by a look at the word.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tallymark_core::ring::Wait;

/// The first sleep. Each is twice as long as the one before, up to [`LAST`].
const FIRST: Duration = Duration::from_micros(50);

/// The longest sleep: as late a wake is noticed at most.
const LAST: Duration = Duration::from_millis(10);

/// How a reader of a ring sleeps where no system call waits for a word: it looks again and again.
///
/// A wake does nothing at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortableRingWait(());

impl PortableRingWait {
    /// For a ring whose two ends are in one process.
    #[must_use]
    pub const fn new() -> Self {
        PortableRingWait(())
    }

    /// For a ring whose memory several processes share.
    #[must_use]
    pub const fn shared() -> Self {
        PortableRingWait(())
    }
}

impl Wait<AtomicU32> for PortableRingWait {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        let mut next = FIRST;
        // ORDER: Relaxed. The reader looks again, with an order, when it is awake.
        while word.load(Ordering::Relaxed) == 1 && *limit != Some(Duration::ZERO) {
            let start = Instant::now();
            thread::sleep(limit.map_or(next, |limit| limit.min(next)));
            if let Some(limit) = limit {
                *limit = limit.saturating_sub(start.elapsed());
            }
            next = (2 * next).min(LAST);
        }
    }

    fn wake(&self, _: &AtomicU32) {}
}
