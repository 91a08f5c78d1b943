//! A write in the middle of a write: a signal handler that interrupts the writer on its own thread.
//!
//! Only that thread and handlers on top of it look at these words, so all of them are Relaxed, and
//! compiler fences keep the work of a write between its ends.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, compiler_fence};

/// Whether a write goes on, and what was lost on top of it.
#[derive(Debug, Default)]
pub(super) struct Nested {
    is_busy: AtomicBool,
    count: AtomicU32,
    /// Sum of first header words, modulo the size of an address.
    weight: AtomicUsize,
}

impl Nested {
    /// Begins a write; false if this is in the middle of one.
    #[inline(always)]
    pub(super) fn enter(&self) -> bool {
        // ORDER: Relaxed, twice. See above; a handler between the two has left when the second comes.
        if self.is_busy.load(Ordering::Relaxed) {
            return false;
        }
        self.is_busy.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        true
    }

    /// Ends a write; true if events of handlers on top of it were lost.
    #[inline(always)]
    pub(super) fn leave(&self) -> bool {
        // ORDER: Relaxed, twice, behind what the write did. See above.
        compiler_fence(Ordering::SeqCst);
        self.is_busy.store(false, Ordering::Relaxed);
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Counts an event that was lost on top of a write.
    #[cold]
    pub(super) fn count(&self, weight: u64) {
        // ORDER: Relaxed, twice. See above.
        self.weight.fetch_add(weight as usize, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes what was counted: events and the sum of their weights.
    #[cold]
    pub(super) fn take(&self) -> (u32, u64) {
        // ORDER: Relaxed, twice. See above. The weight of an event that comes in between is in the next.
        let count = self.count.swap(0, Ordering::Relaxed);
        (count, self.weight.swap(0, Ordering::Relaxed) as u64)
    }
}
