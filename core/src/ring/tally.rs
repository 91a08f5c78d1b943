//! The writer's sums of what it lost, and how they get into memory.

use core::cell::Cell;
use core::sync::atomic::Ordering;

use super::loss::{Reason, Sums, TOO_LARGE_MASK, snapshot};
use super::memory::{Memory, Word32, Word64};

/// Sums of all that was lost, of the writer alone.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    lost: Cell<u32>,
    too_large: Cell<u32>,
    nested: Cell<u32>,
    weight: Cell<u64>,
    first_time: Cell<u64>,
    last_time: Cell<u64>,
    /// How often they were published.
    turn: Cell<u32>,
    /// How many of the two copies lack what changes seldom.
    stale: Cell<u8>,
}

impl Tally {
    /// The sums that are in memory, to be gone on with.
    pub(super) fn resume<M: Memory>(memory: &M) -> Tally {
        let sums = snapshot(memory).unwrap_or_default();
        Tally {
            lost: Cell::new(sums.lost),
            too_large: Cell::new(sums.too_large),
            nested: Cell::new(sums.nested),
            weight: Cell::new(sums.weight),
            first_time: Cell::new(sums.first_time),
            last_time: Cell::new(sums.last_time),
            // ORDER: Acquire. Pairs with the Release store of the writer before.
            turn: Cell::new(memory.load32(Word32::LossTurn, Ordering::Acquire)),
            stale: Cell::new(2),
        }
    }

    pub(super) fn sums(&self) -> Sums {
        Sums {
            lost: self.lost.get(),
            too_large: self.too_large.get(),
            nested: self.nested.get(),
            weight: self.weight.get(),
            first_time: self.first_time.get(),
            last_time: self.last_time.get(),
        }
    }

    /// Events lost, modulo 2^32.
    #[inline(always)]
    pub(super) fn lost(&self) -> u32 {
        self.lost.get()
    }

    /// How often the sums were published.
    pub(super) fn turn(&self) -> u32 {
        self.turn.get()
    }

    /// How many of the copies lack what changes seldom.
    pub(super) fn stale(&self) -> u8 {
        self.stale.get()
    }

    /// The loss that comes next is the first of a run.
    pub(super) fn begin_run(&self, time: u64) {
        self.first_time.set(time);
        self.stale.set(2);
    }

    /// Adds lost events, and publishes.
    #[inline(always)]
    pub(super) fn add<M: Memory>(&self, memory: &M, reason: Reason, count: u32, time: u64, weight: u64) {
        self.lost.set(self.lost.get().wrapping_add(count));
        match reason {
            Reason::Full => {}
            Reason::TooLarge => {
                self.too_large.set(self.too_large.get().wrapping_add(count) & TOO_LARGE_MASK);
                self.stale.set(2);
            }
            Reason::Nested => self.nested.set(self.nested.get().wrapping_add(count)),
        }
        self.weight.set(self.weight.get().wrapping_add(weight));
        self.last_time.set(time);
        self.publish(memory);
    }

    #[inline(always)]
    fn publish<M: Memory>(&self, memory: &M) {
        // ORDER: Release fence. The turn stored before is seen by whoever sees a word stored below;
        // pairs with the Acquire fence of `snapshot`. Weaker, and a snapshot may mix two publications.
        memory.fence(Ordering::Release);
        let turn = self.turn.get().wrapping_add(1);
        let copy = (turn & 1) as u8;
        // ORDER: Relaxed. Published by the turn.
        let store = |word, value| memory.store64(Word64::Loss(copy, word), value, Ordering::Relaxed);
        let [counts, weight, last_time, too_large, first_time] = self.sums().to_words();
        store(0, counts);
        store(1, weight);
        store(2, last_time);
        if self.stale.get() != 0 {
            store(3, too_large);
            store(4, first_time);
            self.stale.set(self.stale.get() - 1);
        }
        // ORDER: Release. Publishes the copy; pairs with the first Acquire load of `snapshot`.
        memory.store32(Word32::LossTurn, turn, Ordering::Release);
        self.turn.set(turn);
    }
}
