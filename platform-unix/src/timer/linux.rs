//! Linux: a `timerfd` at an absolute time. Time asleep counts, and a clock that is set wakes.

use std::os::fd::OwnedFd;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::PortableTimer;

/// A clock to wait for, which another thread can stop.
#[derive(Debug)]
pub struct Timer {
    descriptors: Option<Descriptors>,
    /// Where the process has no descriptors left.
    fallback: PortableTimer,
}

#[derive(Debug)]
struct Descriptors {
    timer: OwnedFd,
    stop: OwnedFd,
}

impl Descriptors {
    fn new() -> Result<Self, Errno> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Descriptors { timer, stop: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    fn wait_until(&self, unix_seconds: i64) -> Result<bool, Errno> {
        let at = Timespec { tv_sec: unix_seconds.max(1), tv_nsec: 0 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&self.timer, flags, &once)?;
        let mut waiting = [PollFd::new(&self.timer, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
        // Bound: a signal is no answer.
        loop {
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => return Ok(waiting[1].revents().is_empty()),
            }
        }
    }
}

impl Timer {
    /// A timer that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Timer { descriptors: Descriptors::new().ok(), fallback: PortableTimer::new() }
    }

    /// Waits until the clock of the system shows this time, in seconds since 1970-01-01T00:00:00Z, or
    /// is set to another. False if the timer was stopped.
    pub fn wait_until(&self, unix_seconds: i64) -> bool {
        let waited = self.descriptors.as_ref().map(|timer| timer.wait_until(unix_seconds));
        match waited {
            Some(Ok(go_on)) => go_on,
            _ => self.fallback.wait_until(unix_seconds),
        }
    }

    /// Ends all waiting, for ever.
    pub fn stop(&self) {
        if let Some(timer) = &self.descriptors {
            // It fails only if it has been stopped 2^64 - 2 times before.
            let _ = rustix::io::write(&timer.stop, &1u64.to_ne_bytes());
        }
        self.fallback.stop();
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}
