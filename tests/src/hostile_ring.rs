//! A ring whose memory lies: every load answers something else, chosen to lead a reader on as long as it can.

use std::cell::Cell;

use tallymark_core::ring::memory::{Record, Word32, Word64};
use tallymark_core::ring::{Capacity, Index, Memory};
use tallymark_core::words::Ordering;

/// What most loads answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Many events.
    Events,
    /// Events that tell of losses, mostly of such as were told.
    Losses,
    /// Nothing but events that tell of losses that were told.
    ToldLosses,
    /// No events, but losses whose sums are never the same.
    Sums,
    /// Anything.
    Anything,
}

/// Words that change between two loads.
#[derive(Debug)]
pub struct HostileRing {
    capacity: Capacity,
    lie: Lie,
    random: Cell<u64>,
    operations: Cell<u64>,
    /// What `Written` was last.
    written: Cell<Index>,
}

impl HostileRing {
    /// A ring of this size; the same seed lies the same way.
    #[must_use]
    pub fn new(capacity: Capacity, lie: Lie, seed: u64) -> Self {
        let random = Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        HostileRing { capacity, lie, random, operations: Cell::new(0), written: Cell::default() }
    }

    /// Memory operations since this was asked last.
    pub fn operations(&self) -> u64 {
        self.operations.take()
    }

    fn next(&self) -> u64 {
        self.operations.set(self.operations.get() + 1);
        // xorshift64
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }

    /// Ahead of what it was, so that there is always more to read.
    fn written(&self, random: u64) -> u64 {
        let (data, tags) = (u64::from(self.capacity.data_words()), u64::from(self.capacity.tags()));
        let (words, events) = (1 + (random >> 8) % data, 1 + (random >> 32) % tags);
        let (words, events) = match self.lie {
            Lie::Anything => return self.next(),
            Lie::Events | Lie::Losses if random.is_multiple_of(64) => return self.next(),
            Lie::Events | Lie::Losses => (words, events),
            Lie::ToldLosses => (4, 1),
            Lie::Sums => (0, 0),
        };
        self.written.set(self.written.get().add_counts_and_clear_flags(words as u32, events as u32));
        self.written.get().with_extra().bits()
    }
}

impl Memory for HostileRing {
    type Sleeper = ();

    fn sleeper(&self) -> &() {
        &()
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn load32(&self, word: Word32, _: Ordering) -> u32 {
        let random = self.next();
        match (word, self.lie) {
            (Word32::LossTurn, Lie::Sums) => self.operations.get() as u32,
            (Word32::EndOfStream, Lie::Sums | Lie::ToldLosses) => 0,
            (Word32::LossTurn, _) => random.is_multiple_of(64).into(),
            (Word32::EndOfStream, _) => random.is_multiple_of(64).into(),
            (Word32::Sleeping, _) => (random % 2) as u32,
            (_, Lie::Anything) => random as u32,
            (_, _) => 7,
        }
    }

    fn store32(&self, _: Word32, _: u32, _: Ordering) {
        self.next();
    }

    fn load64(&self, word: Word64, _: Ordering) -> u64 {
        let random = self.next();
        match word {
            Word64::Written => self.written(random),
            // Where a reader before has stopped, too.
            Word64::Read | Word64::Done(_, 5) => self.written.get().bits(),
            _ if self.lie == Lie::Anything => random,
            _ => 7,
        }
    }

    fn store64(&self, word: Word64, value: u64, _: Ordering) {
        self.next();
        if word == Word64::Read && self.lie != Lie::Anything {
            // The writer is always ahead of what is given back.
            self.written.set(Index::from_bits(value));
        }
    }

    fn fence(&self, _: Ordering) {
        self.next();
    }

    fn load_word(&self, place: u32) -> u64 {
        // One past the end loads as 0: a batch that was whole may end sooner now.
        assert!(place <= self.capacity.data_words(), "word {place}");
        let random = self.next();
        if place == self.capacity.data_words() {
            return 0;
        }
        let least = u64::from(2 + self.capacity.header_words());
        match (random % 256, self.lie) {
            (_, Lie::ToldLosses) if place.is_multiple_of(4) => 1 << 63 | 4,
            (_, Lie::ToldLosses) => 7,
            (0, _) => 0,
            (1, _) => u64::MAX,
            (_, Lie::Anything) => random >> (random % 64),
            (_, Lie::Losses | Lie::Sums) if random % 4 != 2 => 1 << 63 | (least + 1),
            (_, Lie::Losses | Lie::Sums) => 7,
            (_, Lie::Events) => least + (random >> 16) % 2,
        }
    }

    fn store_record(&self, _: u32, _: &Record<'_>) {
        self.next();
    }

    fn store_rewind(&self, _: u32) {
        self.next();
    }

    fn load_tag(&self, place: u32) -> u64 {
        assert!(place < self.capacity.tags(), "tag {place}");
        self.next()
    }

    fn store_tag(&self, _: u32, _: u64) {
        self.next();
    }
}
