//! Events of a ring that tell whether they are whole, and books of what was tried and what was found.

use std::sync::atomic::{AtomicU64, Ordering};

use tallymark::core::ring::Memory;
use tallymark::ring::{Item, Reason};

/// The stack of the event with this number: as many words as are said, all made from the number.
#[must_use]
pub fn stack(number: u64) -> ([usize; 8], usize) {
    let words = std::array::from_fn(|word| (number as usize) ^ (word << 24));
    (words, 1 + (number % 7) as usize)
}

/// Whether these are the words of that stack.
pub fn is_whole(number: u64, words: impl ExactSizeIterator<Item = u64>) -> bool {
    let (expected, length) = stack(number);
    words.len() == length && words.eq(expected[..length].iter().map(|&word| word as u64))
}

/// The weight of the event with this number.
#[must_use]
pub fn weight(number: u64) -> u64 {
    1 + number % 5
}

/// What one source has tried to write, in a handler perhaps.
#[derive(Debug, Default)]
pub struct Tried {
    events: AtomicU64,
    weight: AtomicU64,
    /// Full, too large, nested.
    lost: [AtomicU64; 3],
}

impl Tried {
    /// The number of the next event.
    pub fn next(&self) -> u64 {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        self.weight.fetch_add(weight(number), Ordering::Relaxed);
        number
    }

    /// What became of it.
    pub fn was(&self, written: Result<(), Reason>) {
        let lost = match written {
            Ok(()) => return,
            Err(Reason::Full) => 0,
            Err(Reason::TooLarge) => 1,
            Err(_) => 2,
        };
        self.lost[lost].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were tried.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

/// What a reader has found of so many sources. An event's tag is the source, its time the number.
#[derive(Debug)]
pub struct Found<const SOURCES: usize> {
    /// Events by source.
    pub events: [u64; SOURCES],
    /// Losses: full, too large, nested.
    pub lost: [u64; 3],
    weight: u64,
    lost_weight: u64,
    /// By source, the number of the next event at least.
    next: [u64; SOURCES],
}

impl<const SOURCES: usize> Default for Found<SOURCES> {
    fn default() -> Self {
        Found { events: [0; SOURCES], lost: [0; 3], weight: 0, lost_weight: 0, next: [0; SOURCES] }
    }
}

impl<const SOURCES: usize> Found<SOURCES> {
    /// Checks and counts an event or a loss.
    ///
    /// # Panics
    ///
    /// If the event is not whole, or comes before one that was written before it.
    pub fn add<M: Memory>(&mut self, item: &Item<'_, M, u64>) {
        match item {
            Item::Event(event) => {
                let (number, source) = (event.time(), event.tag() as usize);
                assert!(is_whole(number, event.stack_words()), "a part of an event");
                assert_eq!(event.header_word(0), weight(number));
                assert!(number >= self.next[source], "{number} of {source}: not in order, or twice");
                self.next[source] = number + 1;
                self.events[source] += 1;
                self.weight += weight(number);
            }
            Item::Loss(loss) => {
                for (sum, count) in self.lost.iter_mut().zip([loss.full(), loss.too_large, loss.nested]) {
                    *sum += u64::from(count);
                }
                self.lost_weight += loss.weight;
            }
        }
    }

    /// Checks that all that was tried was read or is counted as lost.
    ///
    /// # Panics
    ///
    /// If that is not so.
    pub fn check(&self, tried: &[Tried; SOURCES]) {
        println!("{self:?}");
        let sum = |value: &dyn Fn(&Tried) -> &AtomicU64| -> u64 {
            tried.iter().map(|tried| value(tried).load(Ordering::Relaxed)).sum()
        };
        let lost = [0, 1, 2].map(|reason| sum(&|tried| &tried.lost[reason]));
        assert_eq!(self.lost, lost, "losses by reason");
        let (events, lost): (u64, u64) = (self.events.iter().sum(), lost.iter().sum());
        assert_eq!(events + lost, sum(&|tried| &tried.events), "events");
        assert_eq!(self.weight + self.lost_weight, sum(&|tried| &tried.weight), "weights");
    }
}
