//! A process that copies itself: what waits stays with the parent, and nobody is copied half-way
//! through a change of the session or with a lock that nobody gives back.

#[cfg(not(unix))]
pub(crate) fn prepare() {}

#[cfg(unix)]
pub(crate) use unix::prepare;

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::sync::{Mutex, MutexGuard, Once, TryLockError};
    use std::thread;
    use std::time::{Duration, Instant};

    use tallymark_core::session::Held;

    use crate::global::SESSION;
    use crate::intern;
    use crate::platform::{SignalsBlocked, around_fork};
    use crate::system::System;

    /// The longest that a fork waits for the work of others, which is short unless a file system is
    /// slow. It ends, because a signal handler that interrupted that very work may be the one that
    /// forks, and because a file system may never answer.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// Tries before there is a pause between two.
    const TRIES: u32 = 1000;

    /// That pause.
    const PAUSE: Duration = Duration::from_micros(100);

    /// The session and the locks, held, and no signal, so that no handler of the child counts before
    /// what waits is forgotten. Dropped in this order: signals come last.
    ///
    /// The session is held first and given back last: whoever has one of the locks waits for no session.
    struct Forking {
        _locks: [Option<MutexGuard<'static, ()>>; 2],
        session: Option<Held<System>>,
        _signals: SignalsBlocked,
    }

    thread_local! {
        static FORKING: RefCell<Option<Forking>> = const { RefCell::new(None) };
    }

    /// Sees to it that forks of this process are safe. Once is enough.
    pub(crate) fn prepare() {
        static ONCE: Once = Once::new();
        // A system that refuses has no memory left; then children count twice what waited.
        ONCE.call_once(|| {
            let _ = around_fork(before, parent, child);
        });
    }

    extern "C" fn before() {
        let signals = SignalsBlocked::new();
        // Nobody may come out of one that is abandoned.
        let patience = if SESSION.is_abandoned() { Duration::ZERO } else { PATIENCE };
        let session = within(patience, || SESSION.hold());
        let locks = intern::locks().map(|lock| within(PATIENCE, || try_lock(lock)));
        let forking = Forking { _locks: locks, session, _signals: signals };
        let _ = FORKING.try_with(|cell| cell.replace(Some(forking)));
    }

    extern "C" fn parent() {
        let _ = FORKING.try_with(RefCell::take);
    }

    extern "C" fn child() {
        let Some(forking) = FORKING.try_with(RefCell::take).ok().flatten() else { return };
        match &forking.session {
            Some(session) => session.forget_waiting(),
            None => SESSION.abandon(),
        }
    }

    /// Tries until it succeeds or the time is over, [`TRIES`] times at least.
    fn within<T>(time: Duration, attempt: impl Fn() -> Option<T>) -> Option<T> {
        let begin = Instant::now();
        let mut tries = 0u32;
        loop {
            let success = attempt();
            if success.is_some() || (tries >= TRIES && begin.elapsed() >= time) {
                return success;
            }
            if tries < TRIES {
                thread::yield_now()
            } else {
                thread::sleep(PAUSE)
            }
            tries = tries.saturating_add(1);
        }
    }

    fn try_lock(lock: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
        match lock.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
