//! Whether another process lives.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Whether there is a process of this number, as far as this one can see; true in doubt.
#[must_use]
pub fn is_alive(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // A number that no process can have.
    let Some(process) = process else { return false };
    test_kill_process(process) != Err(Errno::SRCH)
}
