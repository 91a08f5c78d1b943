//! What a read gives: events in place, and losses between them.

use core::fmt;
use core::marker::PhantomData;

use super::loss::{LOSS, Loss, LossEvent, Sums};
use super::memory::{Lend, Memory};
use super::place::{Capacity, FIXED_WORDS};
use super::tag::Tag;

/// Whole events in one piece of the ring, in the order in which they were written.
pub struct Batch<'r, M, T> {
    pub(super) memory: &'r M,
    pub(super) extent: Extent,
    /// A loss that comes before the events.
    pub(super) loss: Option<Loss>,
    /// What was told of before the first event.
    pub(super) told: Sums,
    pub(super) tag: PhantomData<fn() -> T>,
}

/// Where the events of a batch are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The place of the first word.
    pub(super) place: u32,
    /// Words.
    pub(super) words: u32,
    /// The place of the first tag.
    pub(super) tag_place: u32,
    /// Events.
    pub(super) events: u32,
}

/// One thing that a read gives.
pub enum Item<'r, M, T> {
    /// An event.
    Event(Event<'r, M, T>),
    /// Events were lost here.
    Loss(Loss),
}

/// One event, in place.
pub struct Event<'r, M, T> {
    memory: &'r M,
    place: u32,
    length: u32,
    time: u64,
    tag: T,
}

impl<'r, M: Memory, T: Tag> Batch<'r, M, T> {
    /// Events and losses in the order of the stream.
    #[must_use]
    pub fn items(&self) -> Items<'r, M, T> {
        Items { memory: self.memory, extent: self.extent, loss: self.loss, told: self.told, tag: PhantomData }
    }
}

impl<'r, M: Memory, T: Tag> IntoIterator for Batch<'r, M, T> {
    type Item = Item<'r, M, T>;
    type IntoIter = Items<'r, M, T>;

    fn into_iter(self) -> Items<'r, M, T> {
        self.items()
    }
}

/// The events and losses of a [`Batch`].
///
/// Ends early if the memory changes under it so that it holds no events any more, which only a broken
/// writer in other memory than [`Plain`](super::Plain) does.
#[derive(Clone)]
pub struct Items<'r, M, T> {
    memory: &'r M,
    extent: Extent,
    loss: Option<Loss>,
    told: Sums,
    tag: PhantomData<fn() -> T>,
}

impl<'r, M: Memory, T: Tag> Iterator for Items<'r, M, T> {
    type Item = Item<'r, M, T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Item<'r, M, T>> {
        if self.loss.is_none() && self.extent.events > 0 {
            let word = self.memory.load_word(self.extent.place);
            if word & LOSS == 0 {
                return self.event(word);
            }
        }
        self.next_slowly()
    }
}

impl<'r, M: Memory, T: Tag> Items<'r, M, T> {
    /// The event at the place, whose first word is `word`; goes on behind it.
    #[inline(always)]
    fn event(&mut self, word: u64) -> Option<Item<'r, M, T>> {
        let Extent { place, tag_place, .. } = self.extent;
        let length = self.pass(word)?;
        let time = self.memory.load_word(place + 1);
        let tag = T::from_word(self.memory.load_tag(tag_place));
        Some(Item::Event(Event { memory: self.memory, place, length, time, tag }))
    }

    /// Goes on behind what has `word` for its first word; its length.
    #[inline(always)]
    fn pass(&mut self, word: u64) -> Option<u32> {
        let length = event_length(self.memory.capacity(), word, self.extent.words)?;
        self.extent.place += length;
        self.extent.words -= length;
        self.extent.tag_place += 1;
        self.extent.events -= 1;
        Some(length)
    }

    /// What comes next if it is not an event at once: a loss, what is behind one that was told of, or
    /// nothing.
    #[cold]
    fn next_slowly(&mut self) -> Option<Item<'r, M, T>> {
        if let Some(loss) = self.loss.take() {
            return Some(Item::Loss(loss));
        }
        while self.extent.events > 0 {
            let Extent { place, tag_place, .. } = self.extent;
            let word = self.memory.load_word(place);
            if word & LOSS == 0 {
                return self.event(word);
            }
            self.pass(word)?;
            let sums = sums_at(self.memory, place, tag_place);
            if let Some(loss) = sums.since(&self.told) {
                self.told = sums;
                return Some(Item::Loss(loss));
            }
        }
        None
    }
}

/// The length of an event whose first word is `word`, if it can be one and lies in `room` words.
#[inline]
pub(super) fn event_length(capacity: Capacity, word: u64, room: u32) -> Option<u32> {
    let length = if word & LOSS == 0 {
        u32::try_from(word).ok()?
    } else {
        let length = word as u32;
        (length == capacity.event_words(1)).then_some(length)?
    };
    (length >= capacity.event_words(0) && length <= room).then_some(length)
}

/// The sums in an event that tells of losses.
#[cold]
pub(super) fn sums_at<M: Memory>(memory: &M, place: u32, tag_place: u32) -> Sums {
    let header = memory.capacity().header;
    let word = |n: u32| memory.load_word(place + n);
    Sums::from_event(&LossEvent {
        length: word(0),
        time: word(1),
        weight: if header == 0 { 0 } else { word(FIXED_WORDS) },
        counts: word(FIXED_WORDS + header),
        tag: memory.load_tag(tag_place),
    })
}

impl<'r, M: Memory, T: Tag> Event<'r, M, T> {
    /// The tag.
    #[must_use]
    pub fn tag(&self) -> T {
        self.tag
    }

    /// The time, in the unit of the ring's [`Clock`](super::Clock).
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Words of the stack.
    #[must_use]
    pub fn stack_length(&self) -> u32 {
        self.length - self.memory.capacity().event_words(0)
    }

    /// A word of the header; 0 past its end.
    #[must_use]
    pub fn header_word(&self, n: u32) -> u64 {
        if n < self.memory.capacity().header {
            self.memory.load_word(self.place + FIXED_WORDS + n)
        } else {
            0
        }
    }

    /// The words of the stack, one after the other.
    pub fn stack_words(&self) -> impl ExactSizeIterator<Item = u64> + 'r {
        let (memory, start) = (self.memory, self.place + self.length - self.stack_length());
        (start..self.place + self.length).map(|place| memory.load_word(place))
    }
}

impl<'r, M: Lend, T: Tag> Event<'r, M, T> {
    /// All words as Go lays them out: the length, the time, the header, the stack.
    #[must_use]
    pub fn words(&self) -> &'r [u64] {
        self.memory.lend(self.place, self.length)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &'r [u64] {
        self.memory.lend(self.place + FIXED_WORDS, self.memory.capacity().header)
    }

    /// The stack.
    #[must_use]
    pub fn stack(&self) -> &'r [u64] {
        let length = self.stack_length();
        self.memory.lend(self.place + self.length - length, length)
    }
}

impl<M, T> fmt::Debug for Item<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Event(event) => event.fmt(f),
            Item::Loss(loss) => loss.fmt(f),
        }
    }
}

impl<M, T> fmt::Debug for Batch<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("extent", &self.extent)
            .field("loss", &self.loss)
            .finish_non_exhaustive()
    }
}

impl<M, T> fmt::Debug for Items<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("extent", &self.extent)
            .field("loss", &self.loss)
            .finish_non_exhaustive()
    }
}

impl<M, T> fmt::Debug for Event<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("time", &self.time).field("words", &self.length).finish_non_exhaustive()
    }
}
