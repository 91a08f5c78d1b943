//! What the writer does with an event that it cannot write: counts it, and sees to it that the reader is told.

use core::sync::atomic::Ordering;

use super::loss::Reason;
use super::memory::{Memory, Word32, Word64};
use super::wait::Wait;
use super::writer::Writer;

impl<M: Memory, P: Wait<M::Sleeper>, T> Writer<M, P, T> {
    /// Looks again at what the reader has told of.
    pub(super) fn load_taken(&self) {
        // ORDER: Relaxed. A number by itself.
        let taken = self.memory.load32(Word32::TakenLost, Ordering::Relaxed);
        self.taken.set(taken);
        // Seen from what is lost by now: counts wrap.
        let lost = self.tally.lost();
        if lost.wrapping_sub(taken) < lost.wrapping_sub(self.told.get()) {
            self.told.set(taken);
        }
    }

    /// Lost events that nobody has told of, as far as the writer knows.
    pub(super) fn overflow(&self) -> u32 {
        self.tally.lost().wrapping_sub(self.told.get())
    }

    /// Whether losses wait that nobody has told of.
    pub(super) fn has_overflow(&self) -> bool {
        self.overflow() != 0
    }

    /// Counts an event that could not be written.
    #[cold]
    pub(super) fn lose(&self, reason: Reason, time: u64, header: &[u64]) -> Result<(), Reason> {
        self.increment_overflow(reason, 1, time, self.weight(header));
        Err(reason)
    }

    /// Whether as much was refused before, and the reader has given back and told of nothing since.
    #[inline(always)]
    pub(super) fn is_refused(&self, header: &[u64], stack: &[usize]) -> bool {
        let capacity = self.memory.capacity();
        // ORDER: Relaxed, twice. If either has changed they are loaded again, in order.
        stack.len() >= self.refused.get()
            && stack.len() <= (capacity.data - capacity.event_words(0)) as usize
            && header.len() <= capacity.header as usize
            && self.memory.load64(Word64::Read, Ordering::Relaxed) == self.read.get().bits()
            && self.memory.load32(Word32::TakenLost, Ordering::Relaxed) == self.taken.get()
    }

    /// Counts one more event of a run, refused as the one before.
    #[inline(never)]
    pub(super) fn lose_again(&self, time: u64, weight: u64) -> Result<(), Reason> {
        if self.overflow() != u32::MAX {
            self.tally.add(&self.memory, Reason::Full, 1, time, weight);
            self.wake_sleeper();
        }
        Err(Reason::Full)
    }

    /// What the event weighs: its first header word, if the ring has headers.
    #[inline(always)]
    pub(super) fn weight(&self, header: &[u64]) -> u64 {
        if self.memory.capacity().header == 0 { 0 } else { header.first().copied().unwrap_or(0) }
    }

    /// Adds lost events to the sums and publishes these; wakes the reader for the first of a run.
    pub(super) fn increment_overflow(&self, reason: Reason, count: u32, time: u64, weight: u64) {
        self.load_taken();
        let pending = self.overflow();
        if pending.checked_add(count).is_none() {
            return; // 2^32 - 1 losses in one run: the number stays.
        }
        if pending == 0 {
            self.tally.begin_run(time);
        }
        let is_first = pending == 0 || !self.written.get().has_extra();
        if is_first {
            // Before the sums: then the reader finds every loss that is counted, also if this is killed
            // right behind them. A mark without losses is nothing to it.
            self.mark_extra();
        }
        self.tally.add(&self.memory, reason, count, time, weight);
        self.may_be_pending.set(true);
        if is_first {
            self.wakeup_extra();
        } else {
            self.wake_sleeper();
        }
    }

    /// Takes what nested writers have counted into the sums. Goes round once more only if one of them
    /// has interrupted this.
    #[cold]
    pub(super) fn gather_nested(&self, time: u64) {
        while let Some(busy) = self.nested.enter() {
            let (count, weight) = self.nested.take();
            if count != 0 {
                self.increment_overflow(Reason::Nested, count, time, weight);
            }
            drop(busy);
            if !self.nested.has_any() {
                return;
            }
        }
    }
}
