//! What is done around `fork`, and signals that are kept away meanwhile.

use std::fmt;
use std::mem::MaybeUninit;

/// Calls these around each `fork` of the C library from now on: before it in the parent, after it in
/// the parent, after it in the child, all in the thread that forks. False if the system refuses.
///
/// The functions may do what a signal handler may.
#[must_use]
pub fn around_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) -> bool {
    // SAFETY: the functions live as long as the program.
    let result = unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) };
    result == 0
}

/// All signals of this thread are blocked until the value is dropped.
pub struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    /// Blocks all signals of this thread.
    #[must_use]
    pub fn new() -> Self {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: the set is written by the call.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: `all` has been filled; `before` is written by the call, which fails only for another
        // first argument.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr()) };
        // SAFETY: written above.
        SignalsBlocked(unsafe { before.assume_init() })
    }
}

impl Default for SignalsBlocked {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: a mask that this thread has had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}

impl fmt::Debug for SignalsBlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalsBlocked").finish_non_exhaustive()
    }
}
