//! The end that reads.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::Ordering;
use core::time::Duration;

use super::batch::{Batch, Extent, event_length, sums_at};
use super::done::{Done, Resumed};
use super::index::Index;
use super::layout::{Threshold, at64, data_at};
use super::loss::{LOSS, Loss, Sums, snapshot};
use super::memory::{Memory, Word32, Word64};
use super::place::Capacity;
use super::tag::Tag;
use super::wait::Wait;

/// The only reader of a ring.
///
/// What a read gives stays in the ring, as it is, until the next read or [`Reader::release`].
pub struct Reader<M: Memory, P: Wait<M::Sleeper>, T = u64> {
    pub(super) memory: M,
    pub(super) port: P,
    pub(super) wake: Threshold,
    /// What has been given back: what `Read` holds.
    pub(super) read: Index,
    /// Behind the last event that was given out.
    pub(super) next: Index,
    /// The losses told of up to `next`.
    pub(super) told: Sums,
    pub(super) done: Done,
    /// A loss that the reader before had told of, and not given back.
    pub(super) pending: Option<Sums>,
    /// What was wrong with the indices when this was attached.
    pub(super) fault: Option<RingFault>,
    pub(super) tag: PhantomData<fn() -> T>,
}

/// What a read found.
pub enum Read<'r, M, T> {
    /// Events, losses, or both: at least one.
    Events(Batch<'r, M, T>),
    /// Nothing yet.
    Nothing,
    /// Nothing, and there will be no more: the writer has closed the ring.
    End,
}

/// The same, without the ring borrowed.
enum Found {
    Events(Batched),
    Nothing,
    End,
}

/// A batch, without the ring borrowed.
struct Batched {
    extent: Extent,
    loss: Option<Loss>,
    told: Sums,
}

/// A place in the ring that breaks a rule. What comes before it has been given out. Everything from it on
/// that was written until now has been passed over; the next read goes on behind that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingFault {
    /// Offset in bytes from the start of the ring's memory.
    pub offset: usize,
    /// The word found there.
    pub value: u64,
    /// The rule.
    pub rule: RingRule,
}

/// The rules of a ring that bytes can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RingRule {
    /// The writer is ahead of the reader by at most the capacities.
    Index,
    /// An event has at least the words before its stack, and ends in its piece of the ring.
    EventLength,
}

impl RingRule {
    /// The rule in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            RingRule::Index => "the writer is ahead of the reader by at most the capacities",
            RingRule::EventLength => "an event has its fixed words and ends in its piece of the ring",
        }
    }
}

impl fmt::Display for RingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {:#x}: found {:#x}; {}", self.offset, self.value, self.rule.text())
    }
}

impl core::error::Error for RingFault {}

/// How often a reader ends its sleep for something that is not there before it gives up. A writer wakes
/// only for what is there; others may write the memory.
const FUTILE: u32 = 64;

impl<M: Memory, P: Wait<M::Sleeper>, T: Tag> Reader<M, P, T> {
    /// The reader of a ring, going on behind what was given back before. What a reader was given that was
    /// killed before it gave it back is given again, losses included.
    ///
    /// # Safety
    ///
    /// There is no other reader of this ring while this one lives.
    pub unsafe fn attach(memory: M, port: P, wake: Threshold) -> Self {
        let Resumed { done, read, told, pending } = Done::resume(&memory);
        // The reader before may have been killed before it told the writer, or half-way.
        if pending.is_none() {
            // ORDER: Relaxed. A number by itself.
            memory.store32(Word32::TakenLost, told.lost, Ordering::Relaxed);
        }
        // ORDER: Release. As in `release`.
        memory.store64(Word64::Read, read.bits(), Ordering::Release);
        let wake = wake.clamped();
        Reader { memory, port, wake, read, next: read, told, done, pending, fault: None, tag: PhantomData }
    }

    /// Goes on at `written`, where the writer will go on that is attached next, if it cannot be as far
    /// behind as it is.
    pub(super) fn agree(&mut self, written: Index) {
        if !self.memory.capacity().holds(self.next, written) {
            self.fault = Some(self.out_of_range(written));
            self.release();
        }
    }

    /// Gives back what the last read gave out, and gives out what there is; never sleeps.
    ///
    /// # Errors
    ///
    /// [`RingFault`] if the memory is not what a writer leaves.
    pub fn read(&mut self) -> Result<Read<'_, M, T>, RingFault> {
        let found = self.look()?;
        Ok(self.give(found))
    }

    /// As [`Reader::read`], but if there is nothing, sleeps until there is something to wake up for: a
    /// threshold reached, a loss, the end of the stream; or until the limit is over: then it gives out what
    /// there is, if anything.
    ///
    /// With no limit it sleeps until a writer wakes it. A writer that was killed does not. Memory that says
    /// again and again that there is something, and then there is nothing, is given up, with nothing.
    ///
    /// # Errors
    ///
    /// [`RingFault`] if the memory is not what a writer leaves.
    pub fn wait(&mut self, limit: Option<Duration>) -> Result<Read<'_, M, T>, RingFault> {
        let mut limit = limit;
        for _ in 0..FUTILE {
            match self.look()? {
                Found::Nothing if limit != Some(Duration::ZERO) => self.sleep(&mut limit),
                found => return Ok(self.give(found)),
            }
        }
        Ok(Read::Nothing)
    }

    /// Gives back what the last read gave out, now.
    pub fn release(&mut self) {
        if self.read != self.next || self.done.lacks(&self.told) {
            self.done.publish(&self.memory, self.next, &self.told);
            // ORDER: Release. The events were read before their words are given back; pairs with the
            // Acquire load of `Read` in the writer. More than needed: `publish` ends with a fence.
            self.memory.store64(Word64::Read, self.next.bits(), Ordering::Release);
            self.read = self.next;
        }
    }

    /// What there is, with nothing given out.
    fn look(&mut self) -> Result<Found, RingFault> {
        self.release();
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if let Some(sums) = self.pending.take()
            && let Some(batched) = self.tell_at_the_end(sums)
        {
            return Ok(Found::Events(batched));
        }
        // Each round that does not return passes over events of losses that were told of. A writer has no
        // more of these than tags; others may write them for ever.
        let mut left = self.memory.capacity().tags + 1;
        while left > 0 {
            let mut written = self.load_written();
            if written.events_since(self.next) == 0 {
                if !written.has_extra() {
                    return Ok(Found::Nothing);
                }
                // In the reverse order of their publication: the end, the losses, the events. So events
                // published before a loss or the end are seen with it, and come first.
                let is_end = self.load_end();
                let sums = snapshot(&self.memory);
                written = self.load_written();
                if written.events_since(self.next) == 0 {
                    return Ok(match sums.and_then(|sums| self.tell_at_the_end(sums)) {
                        Some(batched) => Found::Events(batched),
                        None if is_end && sums.is_some() => Found::End,
                        None => Found::Nothing,
                    });
                }
            }
            let told = self.told;
            let (extent, items) = self.walk(written)?;
            if items > 0 {
                return Ok(Found::Events(Batched { extent, loss: None, told }));
            }
            left = left.saturating_sub(extent.events);
            self.release();
        }
        Ok(Found::Nothing)
    }

    /// Whole events from `next`, behind which there is one at least, up to the end of the array, the rewind
    /// mark or the last tag; and how many of them there are to give out.
    fn walk(&mut self, written: Index) -> Result<(Extent, u32), RingFault> {
        let capacity = self.memory.capacity();
        let (words, events) = (written.words_since(self.next), written.events_since(self.next));
        if words == 0 || !capacity.holds(self.next, written) {
            return Err(self.out_of_range(written));
        }
        let (words, events) = (words as u32, events as u32);
        let mut place = capacity.data_place(self.next);
        let mut room = words.min(capacity.data - place);
        let mut skip = 0;
        if self.memory.load_word(place) == 0 {
            skip = room;
            place = 0;
            room = words - skip;
        }
        let tag_place = capacity.tag_place(self.next);
        let events = events.min(capacity.tags - tag_place);
        let mut extent = Extent { place, words: 0, tag_place, events: 0 };
        let mut items = 0;
        while extent.events < events && extent.words < room {
            let at = place + extent.words;
            let word = self.memory.load_word(at);
            if word == 0 && extent.events > 0 {
                break;
            }
            let Some(length) = event_length(capacity, word, room - extent.words) else {
                if extent.events > 0 {
                    // What is before it is given out; the next read begins with it.
                    break;
                }
                return Err(self.malformed(at, word, written));
            };
            let is_told = word & LOSS != 0 && {
                let sums = sums_at(&self.memory, at, tag_place + extent.events);
                let is_told = sums.since(&self.told).is_none();
                if !is_told {
                    self.told = sums;
                }
                is_told
            };
            items += u32::from(!is_told);
            extent.words += length;
            extent.events += 1;
        }
        if extent.events == 0 {
            return Err(self.malformed(place, 0, written));
        }
        self.next = self.next.add_counts_and_clear_flags(skip + extent.words, extent.events);
        Ok((extent, items))
    }

    fn out_of_range(&mut self, written: Index) -> RingFault {
        self.next = written;
        RingFault { offset: 8 * at64(Word64::Written), value: written.bits(), rule: RingRule::Index }
    }

    fn malformed(&mut self, place: u32, value: u64, written: Index) -> RingFault {
        self.next = written.add_counts_and_clear_flags(0, 0);
        let offset = 8 * (data_at(self.memory.capacity()) + place as usize);
        RingFault { offset, value, rule: RingRule::EventLength }
    }

    /// Losses up to `sums`, behind the last event, are told of: nobody else needs to.
    fn tell_at_the_end(&mut self, sums: Sums) -> Option<Batched> {
        let (loss, told) = (sums.since(&self.told)?, self.told);
        self.told = sums;
        self.done.stage(&self.memory, &sums);
        Some(Batched { extent: Extent::default(), loss: Some(loss), told })
    }

    pub(super) fn load_written(&self) -> Index {
        // ORDER: Acquire. The words and tags of the events are seen; pairs with the Release stores of
        // `Written` in the writer.
        Index::from_bits(self.memory.load64(Word64::Written, Ordering::Acquire))
    }

    pub(super) fn load_end(&self) -> bool {
        // ORDER: Acquire. What was published before the end is seen; pairs with the Release store of
        // `EndOfStream`. More than needed: the fence in `snapshot`, which comes next, acquires it as well.
        self.memory.load32(Word32::EndOfStream, Ordering::Acquire) != 0
    }

    fn give(&self, found: Found) -> Read<'_, M, T> {
        match found {
            Found::Events(Batched { extent, loss, told }) => {
                Read::Events(Batch { memory: &self.memory, extent, loss, told, tag: PhantomData })
            }
            Found::Nothing => Read::Nothing,
            Found::End => Read::End,
        }
    }

    /// The capacities of the ring.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.memory.capacity()
    }
}

impl<M, T> fmt::Debug for Read<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Events(batch) => batch.fmt(f),
            Read::Nothing => f.write_str("Nothing"),
            Read::End => f.write_str("End"),
        }
    }
}

impl<M: Memory, P: Wait<M::Sleeper>, T> fmt::Debug for Reader<M, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("read", &self.read)
            .field("next", &self.next)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}
