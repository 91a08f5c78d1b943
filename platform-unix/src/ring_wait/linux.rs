//! Linux: a futex at the word that tells of the sleeper.

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

#[cfg(target_os = "android")]
use libc::__errno as errno_location;
#[cfg(target_os = "linux")]
use libc::__errno_location as errno_location;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};
use tallymark_core::ring::Wait;

use super::PortableRingWait;

/// The longest sleep with a limit; a longer one is several.
const LONGEST: Duration = Duration::from_secs(3600);

/// How a reader of a ring sleeps here: in the kernel, until the word changes.
///
/// A wake is one system call, leaves `errno` as it was, and may come from a signal handler.
#[derive(Clone, Copy, Debug)]
pub struct RingWait {
    flags: Flags,
}

impl RingWait {
    /// For a ring whose two ends are in one process.
    #[must_use]
    pub const fn new() -> Self {
        RingWait { flags: Flags::PRIVATE }
    }

    /// For a ring whose memory several processes share.
    #[must_use]
    pub const fn shared() -> Self {
        RingWait { flags: Flags::empty() }
    }
}

impl Default for RingWait {
    fn default() -> Self {
        Self::new()
    }
}

impl Wait<AtomicU32> for RingWait {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        let start = Instant::now();
        let timeout = limit.map(|limit| timespec(limit.min(LONGEST)));
        let slept = futex::wait(word, self.flags, 1, timeout.as_ref());
        if let Some(limit) = limit {
            *limit = limit.saturating_sub(start.elapsed());
        }
        match slept {
            // The word is not 1, a signal came, the time is over.
            Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
            // A sandbox without futexes.
            Err(_) => PortableRingWait::new().sleep(word, limit),
        }
    }

    fn wake(&self, word: &AtomicU32) {
        // SAFETY: the address of this thread's errno; no other requirement.
        let errno = unsafe { errno_location() };
        // SAFETY: valid as long as the thread lives.
        let before = unsafe { errno.read() };
        // There is nobody to tell of an error; a sleeper with a limit finds out by itself.
        let _ = futex::wake(word, self.flags, 1);
        // SAFETY: as above.
        unsafe { errno.write(before) };
    }
}

/// A time of at most [`LONGEST`].
fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ }
}
