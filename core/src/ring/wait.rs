//! How a reader waits: the port, and how to do without.

use core::sync::atomic::AtomicU32;
use core::time::Duration;

use super::region::RingMemory;

/// Puts a reader to sleep and wakes it. Supplied by the host.
///
/// The ring itself decides who sleeps and who wakes; the word named
/// [`Sleeping`](super::memory::Word32::Sleeping) tells of it: 1 from before the sleep until somebody
/// wakes the reader by storing 0.
pub trait Wait<M: ?Sized> {
    /// Sleeps while `Sleeping` holds 1, at most for `limit` if there is one, and takes the time that has
    /// passed off `limit`. May return early for no reason; must not sleep if the word is 0 at the start.
    fn sleep(&self, memory: &M, limit: &mut Option<Duration>);

    /// Ends the sleep of the reader, after 0 was stored into `Sleeping`: the sleeper sees that 0, so this
    /// is a full barrier if it does anything. Called by the writer, perhaps in
    /// a signal handler: it must not allocate, lock, or change what the interrupted code can see (such as
    /// `errno`).
    fn wake(&self, memory: &M);
}

/// No waiting: the reader asks again when it likes, by a timer or in a loop. What cannot sleep returns
/// from a sleep at once, and its limit is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polling;

impl<M: ?Sized> Wait<M> for Polling {
    fn sleep(&self, _: &M, limit: &mut Option<Duration>) {
        *limit = Some(Duration::ZERO);
    }

    fn wake(&self, _: &M) {}
}

/// Memory with a word that an operating system can put a thread to sleep at.
pub trait Sleeping {
    /// The word: 1 while the reader sleeps.
    fn sleeping(&self) -> &AtomicU32;
}

impl<K, A, W: super::width::Width> Sleeping for RingMemory<K, A, W> {
    fn sleeping(&self) -> &AtomicU32 {
        RingMemory::sleeping(self)
    }
}

impl<M: ?Sized, P: Wait<M> + ?Sized> Wait<M> for &P {
    fn sleep(&self, memory: &M, limit: &mut Option<Duration>) {
        (**self).sleep(memory, limit);
    }

    fn wake(&self, memory: &M) {
        (**self).wake(memory);
    }
}
