//! The thread that goes on to the next file when the week ends; only if it is asked for.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{mem, process};

use crate::global::SESSION;
use crate::platform::Timer;
use crate::session::poll;

/// Seconds between two looks at the mode and the file.
const LOOK_SECONDS: i64 = 60;

/// A thread that polls the session until the value is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    timer: Arc<Timer>,
    /// `None` if the system gave none.
    thread: Option<JoinHandle<()>>,
    process: u32,
}

impl Background {
    pub(crate) fn start() -> Self {
        let timer = Arc::new(Timer::new());
        let waiting = Arc::clone(&timer);
        let run = move || {
            let mut due = UnixSeconds::next();
            while waiting.wait_until(due.0) {
                poll();
                due = UnixSeconds::next();
            }
        };
        let thread = thread::Builder::new().name("tallymark".into()).spawn(run).ok();
        Background { timer, thread, process: process::id() }
    }
}

/// When to poll next, by the clock of the system.
struct UnixSeconds(i64);

impl UnixSeconds {
    fn next() -> Self {
        let now = crate::UnixTime::now().0;
        let look = now + LOOK_SECONDS;
        // What is overdue and could not be done waits for the next look, too.
        let due = SESSION.view(|view| view.due_at).filter(|&due| due > now);
        UnixSeconds(due.map_or(look, |due| due.min(look)))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if process::id() == self.process {
            self.timer.stop();
            // It ends soon; that it panicked would have been said already.
            let _ = thread.join();
        } else {
            // A child after `fork` has the value, and not the thread. What would stop the timer is
            // shared with the parent, and the number of the thread may be that of another here.
            mem::forget(thread);
        }
    }
}
