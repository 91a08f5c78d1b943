//! Putting the reader of a ring to sleep, and waking it.

use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

use tallymark_core::ring::Wait;
use windows_sys::Win32::System::Threading::{INFINITE, WaitOnAddress, WakeByAddressSingle};

/// The longest sleep with a limit; a longer one is several.
const LONGEST: Duration = Duration::from_secs(3600);

/// The longest sleep where the wakes of another process are not heard: as late one is noticed at most.
const UNHEARD: Duration = Duration::from_millis(10);

/// How a reader of a ring sleeps here: in the system, until the word changes.
///
/// Wakes are heard within a process. Between processes the sleeper looks at the word every 10 ms.
#[derive(Clone, Copy, Debug, Default)]
pub struct RingWait {
    is_shared: bool,
}

impl RingWait {
    /// For a ring whose two ends are in one process.
    #[must_use]
    pub const fn new() -> Self {
        RingWait { is_shared: false }
    }

    /// For a ring whose memory several processes share.
    #[must_use]
    pub const fn shared() -> Self {
        RingWait { is_shared: true }
    }
}

impl Wait<AtomicU32> for RingWait {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        let start = Instant::now();
        let longest = if self.is_shared { Some(UNHEARD) } else { None };
        let timeout = longest.into_iter().chain(limit.map(|limit| limit.min(LONGEST))).min();
        let asleep = 1_u32;
        // SAFETY: the word and what it is compared with are valid during the call.
        unsafe {
            WaitOnAddress(
                word.as_ptr().cast(),
                (&raw const asleep).cast(),
                4,
                timeout.map_or(INFINITE, millis),
            )
        };
        if let Some(limit) = limit {
            *limit = limit.saturating_sub(start.elapsed());
        }
    }

    fn wake(&self, word: &AtomicU32) {
        // ORDER: SeqCst fence. The word is 0 for all before the system looks for sleepers, which promises no
        // order itself; pairs with its look at the word before a sleep.
        fence(Ordering::SeqCst);
        // SAFETY: an address is all that it takes; it is not read.
        unsafe { WakeByAddressSingle(word.as_ptr().cast()) };
    }
}

/// A time of at most [`LONGEST`] in milliseconds, rounded up: a sleeper that does not sleep would spin.
fn millis(time: Duration) -> u32 {
    time.as_nanos().div_ceil(1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const EACH: [RingWait; 2] = [RingWait::new(), RingWait::shared()];

    #[test]
    fn a_sleep_at_a_word_that_is_not_1_never_ends() {
        for port in EACH {
            for awake in [0, 2] {
                port.sleep(&AtomicU32::new(awake), &mut None);
            }
        }
    }

    #[test]
    fn a_limit_is_not_used_up() {
        for port in EACH {
            let mut limit = Some(Duration::from_millis(3));
            while limit != Some(Duration::ZERO) {
                port.sleep(&AtomicU32::new(1), &mut limit);
            }
        }
    }

    #[test]
    fn a_sleeper_without_limit_is_not_woken() {
        for port in EACH {
            let word = AtomicU32::new(0);
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| {
                    for _ in 0..200 {
                        word.store(1, Ordering::Release);
                        while word.load(Ordering::Acquire) == 1 {
                            port.sleep(&word, &mut None);
                        }
                    }
                });
                while !sleeper.is_finished() {
                    if word.load(Ordering::Acquire) == 1 {
                        word.store(0, Ordering::Release);
                        port.wake(&word);
                    }
                    thread::yield_now();
                }
            });
        }
    }
}
