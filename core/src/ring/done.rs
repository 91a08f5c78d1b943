//! What the reader is done with, for readers to come: how far it has given back, and the losses told of.
//!
//! It lies in two copies, as the sums of losses do: the reader fills the one that is not current, then
//! makes it current by raising the turn. So a reader that is killed at any instruction leaves a pair that
//! belongs together, and the next is given again what the one before had not given back, events and
//! losses alike, and nothing else. `Read` and `TakenLost`, which the writer looks at, follow.
//!
//! A loss behind the last event is told to the writer at once, which needs not tell of it then. Before
//! that it is put into the copy that is not current: there the next reader finds it.

use core::sync::atomic::Ordering;

use super::index::Index;
use super::loss::{Sums, WORDS, snapshot};
use super::memory::{Memory, Word32, Word64};

/// The word of a copy behind those of the sums.
pub(super) const READ: u8 = WORDS;

/// The reader's hand on the two copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    /// How often a copy was made current.
    turn: u32,
    /// How many of the copies lack the losses told of last.
    stale: u8,
    /// `Sums::lost` as in the current copy.
    lost: u32,
}

/// Where a reader goes on.
pub(super) struct Resumed {
    pub(super) done: Done,
    pub(super) read: Index,
    pub(super) told: Sums,
    /// A loss at `read` that the reader before told the writer of, and had not given back.
    pub(super) pending: Option<Sums>,
}

impl Done {
    /// What the reader before left.
    pub(super) fn resume<M: Memory>(memory: &M) -> Resumed {
        // ORDER: Acquire. Pairs with the Release store of the reader before.
        let turn = memory.load32(Word32::DoneTurn, Ordering::Acquire);
        let load = |copy, word| {
            // ORDER: Relaxed. Ordered by the turn; of a reader before that is dead, all is visible.
            memory.load64(Word64::Done(copy, word), Ordering::Relaxed)
        };
        let sums = |copy| {
            let mut words = [0; WORDS as usize];
            (0..WORDS).zip(&mut words).for_each(|(word, value)| *value = load(copy, word));
            Sums::from_words(words)
        };
        let (current, other) = ((turn & 1) as u8, (turn & 1 ^ 1) as u8);
        let (told, staged) = (sums(current), sums(other));
        // ORDER: Relaxed. As above.
        let taken = memory.load32(Word32::TakenLost, Ordering::Relaxed);
        // Seen from what is lost by now: counts wrap.
        let behind = |sums: &Sums, newest: &Sums| newest.lost.wrapping_sub(sums.lost);
        let is_later =
            snapshot(memory).is_some_and(|newest| behind(&staged, &newest) < behind(&told, &newest));
        Resumed {
            done: Done { turn, stale: 2, lost: told.lost },
            read: Index::from_bits(load(current, READ)),
            told,
            pending: (is_later && staged.lost == taken).then_some(staged),
        }
    }

    /// Whether the losses told of are not in the current copy.
    pub(super) fn lacks(&self, told: &Sums) -> bool {
        self.lost != told.lost
    }

    /// Puts losses where the next reader finds them, and tells the writer.
    pub(super) fn stage<M: Memory>(&mut self, memory: &M, told: &Sums) {
        self.stale = 2;
        Self::fill(memory, self.turn.wrapping_add(1), told);
        // ORDER: Release. Nobody finds it before the copy; the writer reads it as a number by itself.
        memory.store32(Word32::TakenLost, told.lost, Ordering::Release);
    }

    /// Makes `read` and `told` what the reader is done with.
    pub(super) fn publish<M: Memory>(&mut self, memory: &M, read: Index, told: &Sums) {
        if self.lacks(told) {
            self.stale = 2;
        }
        let turn = self.turn.wrapping_add(1);
        if self.stale > 0 {
            Self::fill(memory, turn, told);
            self.stale -= 1;
        }
        // ORDER: Relaxed. Published by the turn.
        memory.store64(Word64::Done((turn & 1) as u8, READ), read.bits(), Ordering::Relaxed);
        // ORDER: Release. Publishes the copy; pairs with the Acquire load of `resume`.
        memory.store32(Word32::DoneTurn, turn, Ordering::Release);
        // ORDER: Release fence. The copy that is no longer current is not written before the other is.
        memory.fence(Ordering::Release);
        self.turn = turn;
        if self.lacks(told) {
            self.lost = told.lost;
            // ORDER: Relaxed. A number by itself.
            memory.store32(Word32::TakenLost, told.lost, Ordering::Relaxed);
        }
    }

    /// Writes the sums of a copy.
    fn fill<M: Memory>(memory: &M, turn: u32, told: &Sums) {
        for (word, value) in (0..WORDS).zip(told.to_words()) {
            // ORDER: Relaxed. Published by the turn, or by `TakenLost`.
            memory.store64(Word64::Done((turn & 1) as u8, word), value, Ordering::Relaxed);
        }
    }

    /// All that it knows beside the memory, for simulators.
    pub(super) fn knowledge(&self) -> [u64; 2] {
        [u64::from(self.turn) << 8 | u64::from(self.stale), self.lost.into()]
    }
}
