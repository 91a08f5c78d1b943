//! How a reader waits: the port, and how to do without.

use core::time::Duration;

/// Puts a reader to sleep and wakes it. Supplied by the host.
///
/// The ring itself decides who sleeps and who wakes; a word tells of it, an
/// [`AtomicU32`](core::sync::atomic::AtomicU32) in a ring in memory: 1 from before the sleep until
/// somebody wakes the reader by storing 0.
pub trait Wait<S: ?Sized> {
    /// Sleeps while the word holds 1, at most for `limit` if there is one, and takes the time that has
    /// passed off `limit`. May return early for no reason; must not sleep if the word is not 1 at the start.
    fn sleep(&self, word: &S, limit: &mut Option<Duration>);

    /// Ends the sleep of the reader, after 0 was stored into the word: the sleeper sees that 0, so this
    /// is a full barrier if it does anything. Called by the writer, perhaps in a signal handler: it must
    /// not allocate, lock, panic, or change what the interrupted code can see (such as `errno`).
    fn wake(&self, word: &S);
}

/// No waiting: the reader asks again when it likes, by a timer or in a loop. What cannot sleep returns
/// from a sleep at once, and its limit is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polling;

impl<S: ?Sized> Wait<S> for Polling {
    fn sleep(&self, _: &S, limit: &mut Option<Duration>) {
        *limit = Some(Duration::ZERO);
    }

    fn wake(&self, _: &S) {}
}

impl<S: ?Sized, P: Wait<S> + ?Sized> Wait<S> for &P {
    fn sleep(&self, word: &S, limit: &mut Option<Duration>) {
        (**self).sleep(word, limit);
    }

    fn wake(&self, word: &S) {
        (**self).wake(word);
    }
}
