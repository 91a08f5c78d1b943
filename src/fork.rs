//! A process that copies itself: what waits stays with the parent, and nobody is copied half-way
//! through a change of the session or with a lock that nobody gives back.

#[cfg(feature = "stacks")]
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(unix)]
pub(crate) use unix::{give_way, prepare};

#[cfg(not(unix))]
pub(crate) fn prepare() {}

#[cfg(not(unix))]
pub(crate) fn give_way() {}

/// Held by who walks and names a stack, before all other locks that this takes.
#[cfg(feature = "stacks")]
static STACKS: Mutex<()> = Mutex::new(());

/// Keeps forks and others who walk a stack waiting until the guard is dropped.
#[cfg(feature = "stacks")]
pub(crate) fn walking() -> MutexGuard<'static, ()> {
    give_way();
    STACKS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicU32, Ordering};
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
        _names: [Option<MutexGuard<'static, ()>>; 2],
        #[cfg(feature = "stacks")]
        _stacks: Option<MutexGuard<'static, ()>>,
        session: Option<Held<System>>,
        _signals: SignalsBlocked,
    }

    thread_local! {
        static FORKING: RefCell<Option<Forking>> = const { RefCell::new(None) };
    }

    /// Forks that wait for a lock.
    static WAITING: AtomicU32 = AtomicU32::new(0);

    /// Lets forks go first: who takes a lock again and again would keep it from them. Not for who has
    /// one.
    pub(crate) fn give_way() {
        // ORDER: Relaxed, here and below. It is only for fairness.
        while WAITING.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
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
        WAITING.fetch_add(1, Ordering::Relaxed);
        let hold = |lock| within(PATIENCE, || try_lock(lock));
        let forking = Forking {
            #[cfg(feature = "stacks")]
            _stacks: hold(&super::STACKS),
            _names: intern::locks().map(hold),
            session,
            _signals: signals,
        };
        WAITING.fetch_sub(1, Ordering::Relaxed);
        let _ = FORKING.try_with(|cell| cell.replace(Some(forking)));
    }

    extern "C" fn parent() {
        let _ = FORKING.try_with(RefCell::take);
    }

    extern "C" fn child() {
        // Other threads may have been about to fork, too.
        WAITING.store(0, Ordering::Relaxed);
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
