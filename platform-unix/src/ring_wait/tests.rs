//! Each adapter alone, at a word of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tallymark_core::ring::Wait;

use super::{PortableRingWait, RingWait};

/// All ways to wait.
fn each(check: impl Fn(&(dyn Wait<AtomicU32> + Sync))) {
    check(&RingWait::new());
    check(&RingWait::shared());
    check(&PortableRingWait::new());
    check(&PortableRingWait::shared());
}

#[test]
fn a_sleep_at_a_word_that_is_not_1_never_ends() {
    each(|port| {
        for awake in [0, 2] {
            port.sleep(&AtomicU32::new(awake), &mut None);
            let mut limit = Some(Duration::MAX);
            port.sleep(&AtomicU32::new(awake), &mut limit);
            assert!(limit > Some(Duration::ZERO));
        }
    });
}

#[test]
fn a_limit_is_not_used_up_or_a_sleep_outlives_it() {
    each(|port| {
        let word = AtomicU32::new(1);
        let mut limit = Some(Duration::from_millis(3));
        let mut before = limit;
        // A sleep may end early, but takes time off the limit.
        while limit != Some(Duration::ZERO) {
            port.sleep(&word, &mut limit);
            assert!(limit <= before, "{limit:?}");
            before = limit;
        }
        port.sleep(&word, &mut limit);
        assert_eq!(limit, Some(Duration::ZERO));
    });
}

#[test]
fn a_sleeper_without_limit_is_not_woken() {
    each(|port| {
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
                // Who stores 0 wakes, as the writer of a ring does.
                if word.load(Ordering::Acquire) == 1 {
                    word.store(0, Ordering::Release);
                    port.wake(&word);
                }
                thread::yield_now();
            }
        });
    });
}

#[test]
fn a_wake_changes_errno() {
    let errno = || std::io::Error::last_os_error().raw_os_error();
    // SAFETY: a descriptor that is none: an error, and nothing else happens.
    assert_eq!(unsafe { libc::close(-1) }, -1);
    each(|port| port.wake(&AtomicU32::new(0)));
    assert_eq!(errno(), Some(libc::EBADF));
}
