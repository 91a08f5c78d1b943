//! A ring made of loom's atomics; what belongs to one end at a time is in cells that loom watches. Orderings
//! can be weakened one at a time, to see that the protocol then fails.

use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, fence};
use tallymark_core::ring::memory::{Record, Stack, Word32, Word64};
use tallymark_core::ring::{Capacity, Memory, Reader, Threshold, Wait, Writer};
use tallymark_core::words::Ordering;

use crate::weakened;

/// An operation of the protocol that carries an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the operations")]
pub enum Operation {
    WrittenStore,
    WrittenLoad,
    ReadStore,
    ReadLoad,
    EndStore,
    EndLoad,
    TurnStore,
    TurnLoad,
    /// The writer's fence before it writes sums.
    SumsFence,
    /// The reader's fence behind sums.
    SnapshotFence,
    /// The writer's fence before it looks whether the reader sleeps.
    WriterFence,
    /// The reader's fence before it looks whether it may sleep.
    ReaderFence,
    /// The writer's store to `Sleeping`.
    WakeStore,
    /// The reader's load of `Sleeping`.
    WokenLoad,
}

/// At most one operation of these, weakened.
pub type Weakened = weakened::Weakened<Operation>;

#[derive(Debug)]
struct Words {
    capacity: Capacity,
    weakened: Weakened,
    written: AtomicUsize,
    read: AtomicUsize,
    end: AtomicU32,
    turn: AtomicU32,
    /// Two copies of the counts and the last time.
    losses: [AtomicUsize; 4],
    taken: AtomicU32,
    sleeping: AtomicU32,
    data: Vec<UnsafeCell<u64>>,
    tags: Vec<UnsafeCell<u64>>,
    /// The writer does nothing any more: what it stored will be visible after a while.
    is_quiet: AtomicBool,
}

/// The memory and the port of one end.
#[derive(Clone, Debug)]
pub struct LoomSide {
    words: Arc<Words>,
    is_writer: bool,
}

/// The ends of a ring.
pub type LoomWriter = Writer<LoomSide, LoomSide>;
/// The other end.
pub type LoomReader = Reader<LoomSide, LoomSide>;

/// A ring of so many words and tags, without headers, whose reader is woken by so many words; and one
/// side more, to say when the writer is [quiet](LoomSide::be_quiet).
///
/// # Panics
///
/// If the capacities are too large for a ring.
#[must_use]
pub fn ring(data: u32, tags: u32, wake: u32, weakened: Weakened) -> (LoomWriter, LoomReader, LoomSide) {
    let capacity = Capacity::new(0, data, tags).expect("small");
    let cells = |n: u32| (0..n).map(|_| UnsafeCell::new(0)).collect();
    let words = Arc::new(Words {
        capacity,
        weakened,
        written: AtomicUsize::new(0),
        read: AtomicUsize::new(0),
        end: AtomicU32::new(0),
        turn: AtomicU32::new(0),
        losses: [0; 4].map(AtomicUsize::new),
        taken: AtomicU32::new(0),
        sleeping: AtomicU32::new(0),
        data: cells(capacity.data_words()),
        tags: cells(capacity.tags()),
        is_quiet: AtomicBool::new(false),
    });
    let side = |is_writer| LoomSide { words: Arc::clone(&words), is_writer };
    let wake = Threshold { data: wake, tags: capacity.tags() };
    // SAFETY: the ring is new.
    let writer = unsafe { Writer::attach(side(true), side(true), wake) };
    // SAFETY: the ring is new.
    let reader = unsafe { Reader::attach(side(false), side(false), wake) };
    (writer, reader, side(true))
}

impl LoomSide {
    /// The writer does nothing any more.
    pub fn be_quiet(&self) {
        self.words.is_quiet.store(true, Ordering::Release);
    }

    fn at(&self, operation: Operation, order: Ordering) -> Ordering {
        self.words.weakened.at(operation, order)
    }

    /// The words that are kept: counts and last times.
    fn loss(&self, copy: u8, word: u8) -> Option<&AtomicUsize> {
        match word {
            0 => self.words.losses.get(2 * copy as usize),
            2 => self.words.losses.get(2 * copy as usize + 1),
            _ => None,
        }
    }
}

impl Memory for LoomSide {
    type Sleeper = Self;

    fn sleeper(&self) -> &Self {
        self
    }

    fn capacity(&self) -> Capacity {
        self.words.capacity
    }

    fn load32(&self, word: Word32, order: Ordering) -> u32 {
        let words = &self.words;
        match word {
            Word32::EndOfStream => words.end.load(self.at(Operation::EndLoad, order)),
            Word32::LossTurn => words.turn.load(self.at(Operation::TurnLoad, order)),
            Word32::TakenLost => words.taken.load(order),
            Word32::Sleeping if self.is_writer => words.sleeping.load(order),
            Word32::Sleeping => words.sleeping.load(self.at(Operation::WokenLoad, order)),
            Word32::DoneTurn | Word32::WrittenLost => 0,
        }
    }

    fn store32(&self, word: Word32, value: u32, order: Ordering) {
        let words = &self.words;
        match word {
            Word32::EndOfStream => words.end.store(value, self.at(Operation::EndStore, order)),
            Word32::LossTurn => words.turn.store(value, self.at(Operation::TurnStore, order)),
            Word32::TakenLost => words.taken.store(value, order),
            Word32::Sleeping if self.is_writer => {
                words.sleeping.store(value, self.at(Operation::WakeStore, order));
            }
            Word32::Sleeping => words.sleeping.store(value, order),
            Word32::DoneTurn | Word32::WrittenLost => {}
        }
    }

    fn load64(&self, word: Word64, order: Ordering) -> u64 {
        let words = &self.words;
        let value = match word {
            Word64::Written => words.written.load(self.at(Operation::WrittenLoad, order)),
            Word64::Read => words.read.load(self.at(Operation::ReadLoad, order)),
            Word64::Done(..) => 0,
            Word64::Loss(copy, word) => self.loss(copy, word).map_or(0, |word| word.load(order)),
        };
        value as u64
    }

    fn store64(&self, word: Word64, value: u64, order: Ordering) {
        let (words, value) = (&self.words, value as usize);
        match word {
            Word64::Written => words.written.store(value, self.at(Operation::WrittenStore, order)),
            Word64::Read => words.read.store(value, self.at(Operation::ReadStore, order)),
            Word64::Done(..) => {}
            Word64::Loss(copy, word) => {
                if let Some(word) = self.loss(copy, word) {
                    word.store(value, order);
                }
            }
        }
    }

    fn fence(&self, order: Ordering) {
        let operation = match order {
            Ordering::Release if self.is_writer => Operation::SumsFence,
            Ordering::Release => return fence(order),
            Ordering::Acquire => Operation::SnapshotFence,
            _ if self.is_writer => Operation::WriterFence,
            _ => Operation::ReaderFence,
        };
        match self.at(operation, order) {
            Ordering::Relaxed => {}
            order => fence(order),
        }
    }

    fn load_word(&self, place: u32) -> u64 {
        // SAFETY: loom reports a write that races with this.
        self.words.data[place as usize].with(|word| unsafe { *word })
    }

    fn store_record(&self, place: u32, record: &Record<'_>) {
        let store = |at: usize, value: u64| {
            // SAFETY: loom reports an access that races with this, before it can do harm.
            self.words.data[place as usize + at].with_mut(|word| unsafe { *word = value });
        };
        store(0, record.length);
        store(1, record.time);
        match record.stack {
            Stack::Frames(frames) => {
                frames.iter().enumerate().for_each(|(n, &frame)| store(2 + n, frame as u64))
            }
            Stack::Lost(counts) => store(2, counts),
        }
    }

    fn store_rewind(&self, place: u32) {
        // SAFETY: as above.
        self.words.data[place as usize].with_mut(|word| unsafe { *word = 0 });
    }

    fn load_tag(&self, place: u32) -> u64 {
        // SAFETY: loom reports a write that races with this.
        self.words.tags[place as usize].with(|tag| unsafe { *tag })
    }

    fn store_tag(&self, place: u32, value: u64) {
        // SAFETY: as in `store_record`.
        self.words.tags[place as usize].with_mut(|tag| unsafe { *tag = value });
    }
}

/// Sleeps by looking at the word again and again; a look orders nothing. A short sleep is over when what
/// the writer stored is visible, for which it has to be quiet here.
impl Wait<LoomSide> for LoomSide {
    fn sleep(&self, side: &LoomSide, limit: &mut Option<Duration>) {
        while side.words.sleeping.load(Ordering::Relaxed) == 1 {
            if limit.is_some() && side.words.is_quiet.load(Ordering::Acquire) {
                *limit = Some(Duration::ZERO);
                return;
            }
            loom::thread::yield_now();
        }
    }

    fn wake(&self, _: &LoomSide) {}
}
