//! Children of a test process, made by `fork`.
#![cfg(unix)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// Runs `work` in a child, which then ends at once; whether it ended well, [`wait`] sees.
///
/// # Panics
///
/// If the system makes no process.
#[must_use]
pub fn in_child(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child does what is promised to work in one: it counts, polls and drops its session.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        let ended = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: ends the process without running what belongs to the parent.
        unsafe { libc::_exit(ended.is_err().into()) };
    }
    child
}

/// The longest a child may take, far more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for a child.
///
/// # Panics
///
/// If it has not ended well, or hangs.
pub fn wait(child: libc::pid_t) {
    let (begin, mut status) = (Instant::now(), 0);
    loop {
        // SAFETY: `status` is written by the call.
        let ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if ended != 0 {
            assert_eq!((ended, status), (child, 0), "the child has died");
            return;
        }
        if begin.elapsed() > PATIENCE {
            // SAFETY: a child of this process that has not been waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
}
