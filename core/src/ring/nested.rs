//! A write in the middle of a write: a signal handler that interrupts the writer on its own thread.
//!
//! Only that thread and handlers on top of it look at these words, so all of them are Relaxed, and
//! compiler fences keep the work of a write between its ends.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence};

/// Whether a write goes on, and what was lost on top of it.
#[derive(Debug, Default)]
pub(super) struct Nested {
    is_busy: AtomicBool,
    count: AtomicU32,
    /// Sum of first header words: the low and the high half.
    weight: [AtomicU32; 2],
}

/// A write that goes on. It ends when this is dropped, also by a panic of the port.
#[derive(Debug)]
pub(super) struct Busy<'n>(&'n Nested);

impl Nested {
    /// Begins a write; `None` if this is in the middle of one.
    #[inline(always)]
    pub(super) fn enter(&self) -> Option<Busy<'_>> {
        // ORDER: Relaxed, twice. See above; a handler between the two has left when the second comes.
        if self.is_busy.load(Ordering::Relaxed) {
            return None;
        }
        self.is_busy.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        Some(Busy(self))
    }

    /// Whether events of handlers were lost and not taken yet.
    #[inline(always)]
    pub(super) fn has_any(&self) -> bool {
        // ORDER: Relaxed. See above.
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Counts an event that was lost on top of a write.
    #[cold]
    pub(super) fn count(&self, weight: u64) {
        let [low, high] = &self.weight;
        // ORDER: Relaxed, thrice. See above; additions in any order make the same sum.
        let before = low.fetch_add(weight as u32, Ordering::Relaxed);
        let carry = u32::from(before.checked_add(weight as u32).is_none());
        high.fetch_add(((weight >> 32) as u32).wrapping_add(carry), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes what was counted: events and the sum of their weights. An event that comes meanwhile may be
    /// in the next take, and its weight, or a half of it, in this one. So 0 events have no weight.
    #[cold]
    pub(super) fn take(&self) -> (u32, u64) {
        // ORDER: Relaxed, thrice. See above.
        let count = self.count.swap(0, Ordering::Relaxed);
        if count == 0 {
            return (0, 0);
        }
        let [low, high] = &self.weight;
        let low = u64::from(low.swap(0, Ordering::Relaxed));
        (count, low.wrapping_add(u64::from(high.swap(0, Ordering::Relaxed)) << 32))
    }
}

impl Drop for Busy<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDER: Relaxed, behind what the write did. See above.
        compiler_fence(Ordering::SeqCst);
        self.0.is_busy.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_cut_or_its_carry_lost() {
        let nested = Nested::default();
        for weight in [u64::from(u32::MAX), 1, 5 << 32, u64::MAX] {
            nested.count(weight);
        }
        let sum = [u64::from(u32::MAX), 1, 5 << 32].iter().sum::<u64>().wrapping_add(u64::MAX);
        assert_eq!(nested.take(), (4, sum));
        assert_eq!(nested.take(), (0, 0));
    }

    #[test]
    fn a_weight_without_its_event_is_thrown_away() {
        let nested = Nested::default();
        // A handler came between the two parts of a take: its weight is taken, and then another's is not.
        nested.weight[0].store(7, Ordering::Relaxed);
        assert_eq!(nested.take(), (0, 0));
        nested.count(1);
        assert_eq!(nested.take(), (1, 8));
    }
}
