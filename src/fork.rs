//! A process that copies itself: what waits stays with the parent, and nobody is copied half-way
//! through a change of the session.

#[cfg(not(unix))]
pub(crate) fn prepare() {}

#[cfg(unix)]
pub(crate) use unix::prepare;

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::sync::{MutexGuard, Once};

    use tallymark_core::session::Held;

    use crate::global::SESSION;
    use crate::intern;
    use crate::platform::{SignalsBlocked, around_fork};
    use crate::system::System;

    /// Turns to wait for the session. Longer than any work inside takes; it ends, because a signal
    /// handler that interrupted that very work may be the one that forks.
    const TRIES: u32 = 1_000_000;

    /// The session and the tables of names, held, and no signal, so that no handler of the child counts
    /// before what waits is forgotten. In this order: signals come last.
    struct Forking {
        _names: [MutexGuard<'static, ()>; 2],
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
        let names = intern::hold();
        let forking = Forking { _names: names, session: SESSION.hold(TRIES), _signals: signals };
        let _ = FORKING.try_with(|cell| cell.replace(Some(forking)));
    }

    extern "C" fn parent() {
        let _ = FORKING.try_with(RefCell::take);
    }

    extern "C" fn child() {
        let forking = FORKING.try_with(RefCell::take).ok().flatten();
        if let Some(session) = forking.as_ref().and_then(|forking| forking.session.as_ref()) {
            session.forget_waiting();
        }
    }
}
