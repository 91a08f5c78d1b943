//! The only door from the ring to its memory: words by name, events by place.

use core::sync::atomic::Ordering;

use super::place::Capacity;

/// A 32-bit word that one side stores and the other loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word32 {
    /// Of the writer: 1 once there is no more to come.
    EndOfStream,
    /// Of the writer: how often it has published the sums of what was lost; the lowest bit names the
    /// copy that is good.
    LossTurn,
    /// Of the writer, for writers to come: [`Sums::lost`](super::loss::Sums) as in the last event that tells
    /// of losses.
    WrittenLost,
    /// Of the reader, for the writer: [`Sums::lost`](super::loss::Sums) of what it has told of.
    TakenLost,
    /// Of the reader, for readers to come: how often it has published what it is done with; the lowest
    /// bit names the copy that is good.
    DoneTurn,
    /// Of both: the reader stores 1 before it sleeps, who wakes it stores 0.
    Sleeping,
}

/// A 64-bit word that one side stores and the other loads. Machines without 64-bit atomics store the
/// low half first and load the high half first, each with the ordering asked for; see
/// [`halves`](super::halves) for a kill in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word64 {
    /// Of the writer: the [`Index`](super::Index) behind the last event.
    Written,
    /// Of the reader, for the writer: the index behind the last event that it has given back.
    Read,
    /// Of the reader, for readers to come: one of the two copies (0 or 1) of what it is done with, and
    /// one of its words: 0 to 4 as of `Loss`, 5 is `Read`.
    Done(u8, u8),
    /// Of the writer: one of the two copies (0 or 1) of the sums, and one of its words (0 to 4).
    Loss(u8, u8),
}

/// One event on its way into the ring.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// Word 0: the length, and what kind of event it is.
    pub length: u64,
    /// Word 1.
    pub time: u64,
    /// At most [`Capacity::header_words`]; zeros are put behind it up to that number.
    pub header: &'r [u64],
    /// The rest of the event.
    pub stack: Stack<'r>,
}

/// The words behind the header.
#[derive(Clone, Copy, Debug)]
pub enum Stack<'r> {
    /// Addresses, as a profiler has them.
    Frames(&'r [usize]),
    /// The one word of an event that tells of a loss.
    Lost(u64),
}

impl Stack<'_> {
    /// Words.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Stack::Frames(frames) => frames.len(),
            Stack::Lost(_) => 1,
        }
    }

    /// Whether there is no word.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Memory that holds one ring, as one of its two ends sees it.
///
/// Contract: each end has its own handle, and nobody but the end calls it. What one end stores the other finds as the orderings say, and
/// each word that an end stores belongs to it alone (`Sleeping` to both). A place past the capacity
/// touches nothing, and loads as 0.
///
/// Implementations: [`RingMemory`](super::RingMemory), and in the test package loom's cells, a step
/// simulator and hostile memory.
pub trait Memory {
    /// The word that a reader sleeps at, as the [`Wait`](super::Wait) port is to see it.
    type Sleeper: ?Sized;

    /// The word that a reader sleeps at.
    fn sleeper(&self) -> &Self::Sleeper;

    /// Capacities, always the same.
    fn capacity(&self) -> Capacity;

    /// Loads a word.
    fn load32(&self, word: Word32, order: Ordering) -> u32;

    /// Stores a word.
    fn store32(&self, word: Word32, value: u32, order: Ordering);

    /// Loads a word.
    fn load64(&self, word: Word64, order: Ordering) -> u64;

    /// Stores a word.
    fn store64(&self, word: Word64, value: u64, order: Ordering);

    /// `Written` as its owner left it, if the owner may have been killed in the middle of a store; mends
    /// what was left half done. For the owner to come.
    fn recover_written(&self) -> u64 {
        // ORDER: Acquire. Pairs with the store of the owner before.
        self.load64(Word64::Written, Ordering::Acquire)
    }

    /// A fence between the words before and after it.
    fn fence(&self, order: Ordering);

    /// A word of an event, not ordered with anything.
    fn load_word(&self, place: u32) -> u64;

    /// Writes an event of `2 + header_words + stack.len()` words at a place, not ordered with anything.
    fn store_record(&self, place: u32, record: &Record<'_>);

    /// Writes the mark that the next event is at the start of the array: a word 0.
    fn store_rewind(&self, place: u32);

    /// The tag of an event, not ordered with anything.
    fn load_tag(&self, place: u32) -> u64;

    /// Sets the tag of an event, not ordered with anything.
    fn store_tag(&self, place: u32, tag: u64);
}

/// Memory whose words lie in one piece and stay as they are while an end of the ring owns them, so that
/// they can be lent.
pub trait Lend: Memory {
    /// `length` words from a place; empty past the capacity.
    fn lend(&self, place: u32, length: u32) -> &[u64];
}
