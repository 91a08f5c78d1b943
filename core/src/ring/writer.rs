//! The end that writes: it may be a signal or interrupt handler.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{Ordering, compiler_fence};

use super::index::{Index, count_sub};
use super::layout::Threshold;
use super::loss::{Loss, Reason, Sums};
use super::memory::{Memory, Record, Stack, Word32, Word64};
use super::nested::Nested;
use super::place::{Capacity, LIMIT};
use super::tag::Tag;
use super::tally::Tally;
use super::wait::Wait;

/// The only writer of a ring.
///
/// [`Writer::write`] takes no lock, allocates nothing and ends after a fixed number of steps: see
/// docs/ring.md for the bound. Its only system call is the one that wakes a sleeping reader.
///
/// Dropping it closes the ring.
pub struct Writer<M: Memory, P: Wait<M::Sleeper>, T = u64> {
    pub(super) memory: M,
    pub(super) port: P,
    pub(super) wake: Threshold,
    /// Behind the last event: what `Written` holds.
    pub(super) written: Cell<Index>,
    /// `Read` as it was at some time.
    pub(super) read: Cell<Index>,
    /// From here on the reader may have to be woken. Never further than the threshold behind the place
    /// where a reader sleeps.
    pub(super) due: Cell<Index>,
    pub(super) tally: Tally,
    /// The lost events that an event of the ring tells of.
    pub(super) told: Cell<u32>,
    /// Whether some may not be told of by anybody.
    pub(super) may_be_pending: Cell<bool>,
    /// `TakenLost` as it was at some time.
    pub(super) taken: Cell<u32>,
    /// Stacks of this many words and more have no room as long as `Read` and `TakenLost` are as here.
    pub(super) refused: Cell<usize>,
    pub(super) nested: Nested,
    pub(super) tag: PhantomData<fn(T)>,
}

impl<M: Memory, P: Wait<M::Sleeper>, T: Tag> Writer<M, P, T> {
    /// The writer of a ring, going on behind what was written before, also if that was closed.
    ///
    /// # Safety
    ///
    /// There is no other writer of this ring while this one lives.
    pub unsafe fn attach(memory: M, port: P, wake: Threshold) -> Self {
        let written = Index::from_bits(memory.recover_written());
        // ORDER: Acquire. As in `load_read`.
        let read = Index::from_bits(memory.load64(Word64::Read, Ordering::Acquire));
        // A `Read` that cannot be is none; the reader will find that out, too, and go on at `written`.
        let read = if memory.capacity().holds(read, written) { read } else { written };
        let tally = Tally::resume(&memory);
        // ORDER: Relaxed, thrice. Numbers by themselves.
        let taken = memory.load32(Word32::TakenLost, Ordering::Relaxed);
        let told = memory.load32(Word32::WrittenLost, Ordering::Relaxed);
        memory.store32(Word32::EndOfStream, 0, Ordering::Relaxed);
        // A writer that was killed before its wake has left the reader asleep.
        // ORDER: Release. As in `wake`.
        memory.store32(Word32::Sleeping, 0, Ordering::Release);
        port.wake(memory.sleeper());
        Writer {
            wake: wake.clamped(),
            written: Cell::new(written),
            read: Cell::new(read),
            // The first write looks.
            due: Cell::new(written),
            // Killed before it was stored: then they are told of once more, which the reader notices.
            told: Cell::new(told),
            may_be_pending: Cell::new(true),
            taken: Cell::new(taken),
            refused: Cell::new(usize::MAX),
            tally,
            nested: Nested::default(),
            memory,
            port,
            tag: PhantomData,
        }
    }

    /// Writes an event: its tag, its time, at most as many header words as the ring has (zeros are put
    /// behind them), and a stack.
    ///
    /// Callable in a signal handler of the thread that calls it elsewhere, also in the middle of
    /// another call: that one loses its event ([`Reason::Nested`]) and counts it.
    ///
    /// # Errors
    ///
    /// The [`Reason`] why the event was not written. It has been counted as lost, and the reader will
    /// be told.
    #[inline]
    pub fn write(&self, tag: T, time: u64, header: &[u64], stack: &[usize]) -> Result<(), Reason> {
        let tag = tag.into_word();
        let Some(busy) = self.nested.enter() else {
            self.nested.count(self.weight(header));
            return Err(Reason::Nested);
        };
        let outcome = if self.is_refused(header, stack) {
            self.lose_again(time, self.weight(header))
        } else {
            self.write_alone(tag, time, header, stack)
        };
        drop(busy);
        if self.nested.has_any() {
            self.gather_nested(time);
        }
        outcome
    }
}

impl<M: Memory, P: Wait<M::Sleeper>, T> Writer<M, P, T> {
    #[inline(never)]
    fn write_alone(&self, tag: u64, time: u64, header: &[u64], stack: &[usize]) -> Result<(), Reason> {
        let capacity = self.memory.capacity();
        if stack.len() > LIMIT as usize || header.len() > capacity.header as usize {
            return self.lose(Reason::TooLarge, time, header);
        }
        let want = capacity.event_words(stack.len() as u32);
        if self.may_be_pending.get() {
            self.settle(want, time, header)?;
        } else if !capacity.can_write_record(self.read.get(), self.written.get(), want) {
            self.make_room(want, time, header)?;
        }
        self.put(tag, &Record { length: want.into(), time, header, stack: Stack::Frames(stack) });
        Ok(())
    }

    /// Looks again at what the reader has given back.
    fn make_room(&self, want: u32, time: u64, header: &[u64]) -> Result<(), Reason> {
        self.load_read();
        let (read, written) = (self.read.get(), self.written.get());
        if self.memory.capacity().can_write_record(read, written, want) {
            return Ok(());
        }
        self.lose(self.reason(want), time, header)
    }

    /// Why there is no room, now that `read` is fresh.
    fn reason(&self, want: u32) -> Reason {
        let is_empty = self.written.get().events_since(self.read.get()) == 0;
        let is_too_large = want > self.memory.capacity().data
            || is_empty
                && !self.memory.capacity().can_write_record(self.written.get(), self.written.get(), want);
        if is_too_large { Reason::TooLarge } else { Reason::Full }
    }

    /// Losses may wait: if they do, tells of them in an event, if that and the next have room.
    fn settle(&self, want: u32, time: u64, header: &[u64]) -> Result<(), Reason> {
        let capacity = self.memory.capacity();
        self.refused.set(usize::MAX);
        self.load_read();
        self.load_taken();
        if !self.has_overflow() {
            self.may_be_pending.set(false);
            return self.make_room(want, time, header);
        }
        let length = capacity.event_words(1);
        if !capacity.can_write_two_records(self.read.get(), self.written.get(), length, want) {
            let reason = self.reason(want);
            if reason == Reason::Full && self.written.get().events_since(self.read.get()) != 0 {
                self.refused.set((want - capacity.event_words(0)) as usize);
            }
            return self.lose(reason, time, header);
        }
        let sums = self.tally.sums();
        let event = sums.to_event(length);
        let weight = [event.weight];
        let header = if capacity.header == 0 { &[][..] } else { &weight[..] };
        let stack = Stack::Lost(event.counts);
        self.put(event.tag, &Record { length: event.length, time: event.time, header, stack });
        self.told.set(sums.lost);
        // ORDER: Release. Not before the event: who goes on behind a writer that is killed in between would
        // take the losses for told.
        self.memory.store32(Word32::WrittenLost, sums.lost, Ordering::Release);
        self.may_be_pending.set(false);
        Ok(())
    }

    /// Writes an event that has room, and publishes it.
    #[inline(always)]
    fn put(&self, tag: u64, record: &Record<'_>) {
        let (capacity, written) = (self.memory.capacity(), self.written.get());
        let want = capacity.event_words(record.stack.len() as u32);
        let place = capacity.data_place(written);
        let skip = capacity.skip(place, want);
        if skip == 0 {
            self.memory.store_record(place, record);
        } else {
            self.memory.store_rewind(place);
            self.memory.store_record(0, record);
        }
        self.memory.store_tag(capacity.tag_place(written), tag);
        let written = written.add_counts_and_clear_flags(skip + want, 1);
        // ORDER: Release. Publishes the event and its tag; pairs with the Acquire load of `Written` in
        // the reader. Weaker, and the reader finds words of an older event.
        self.memory.store64(Word64::Written, written.bits(), Ordering::Release);
        self.written.set(written);
        if written.words_since(self.due.get()) >= 0 || written.events_since(self.due.get()) >= 0 {
            self.look_for_sleeper();
        }
    }

    /// The unread words or events may have reached the threshold: wakes the reader if it sleeps.
    ///
    /// This and the reader's `fall_asleep` are the two sides of one race: each stores, then looks at
    /// what the other stored, with a SeqCst fence in between. At least one of them sees the other.
    #[cold]
    fn look_for_sleeper(&self) {
        // ORDER: SeqCst fence, between the store of `Written` and the load of `Sleeping`; pairs with the
        // one in `Reader::fall_asleep`. Weaker, and both miss each other: the reader sleeps on.
        self.memory.fence(Ordering::SeqCst);
        self.load_read();
        let (read, written) = (self.read.get(), self.written.get());
        let has_reached = self.wake.is_reached(read, written);
        if has_reached {
            self.wake_sleeper();
        }
        // A reader that falls asleep after the fence has read all that is written now.
        let from = if has_reached { written } else { read };
        self.due.set(from.add_counts_and_clear_flags(self.wake.data, self.wake.tags));
    }

    /// Wakes the reader if it sleeps.
    ///
    /// Behind the first loss of a run, the end, and when a threshold is reached there is a fence before
    /// this. Behind later losses there is none: what was stored may still be on its way when this looks,
    /// and the reader fall asleep meanwhile. Its first sleep is a short one for that: see docs/ring.md.
    #[inline(always)]
    pub(super) fn wake_sleeper(&self) {
        // ORDER: compiler fence. Not before the store in the machine code either: a thread may be held up in
        // between for long.
        compiler_fence(Ordering::SeqCst);
        // ORDER: Relaxed. The fence before orders it, if there is one.
        if self.memory.load32(Word32::Sleeping, Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // ORDER: Release. What was stored before is seen by a reader that finds itself woken; pairs with
        // the Acquire load behind its sleep. More than needed, see there.
        self.memory.store32(Word32::Sleeping, 0, Ordering::Release);
        self.port.wake(self.memory.sleeper());
    }

    /// Marks `Written` with [`Index::WRITE_EXTRA`].
    pub(super) fn mark_extra(&self) {
        let written = self.written.get().with_extra();
        // ORDER: Release. Publishes the end of the stream stored before; pairs with the Acquire load of
        // `Written` in the reader. Losses are published by their turn.
        self.memory.store64(Word64::Written, written.bits(), Ordering::Release);
        self.written.set(written);
    }

    /// Wakes the reader for what has been stored.
    pub(super) fn wakeup_extra(&self) {
        // ORDER: SeqCst fence. As in `look_for_sleeper`.
        self.memory.fence(Ordering::SeqCst);
        self.wake_sleeper();
    }

    fn load_read(&self) {
        // ORDER: Acquire. The reader has done with the words before; pairs with its Release store of
        // `Read`. Weaker, and they are written while they are read.
        let read = Index::from_bits(self.memory.load64(Word64::Read, Ordering::Acquire));
        // What cannot be is not believed: the words after the last good `Read` may be lent.
        if self.memory.capacity().holds(read, self.written.get()) {
            self.read.set(read);
        }
    }

    /// What was lost since the ring was made, whether or not the reader was told: the number of events
    /// modulo 2^32, the times of the latest run.
    #[must_use]
    pub fn lost(&self) -> Option<Loss> {
        self.tally.sums().since(&Sums::default())
    }

    /// The capacities of the ring.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.memory.capacity()
    }

    /// Says that there is no more to come. Everything written before is still read.
    pub fn close(self) {}

    /// What [`Writer::close`] does.
    pub(super) fn end_stream(&self) {
        self.gather_nested(self.tally.sums().last_time);
        // ORDER: Release. All that was published before is seen by whoever sees the end; pairs with the
        // Acquire load in the reader, which comes before it looks at losses and events.
        self.memory.store32(Word32::EndOfStream, 1, Ordering::Release);
        self.mark_extra();
        self.wakeup_extra();
    }
}

impl<M: Memory, P: Wait<M::Sleeper>, T> Drop for Writer<M, P, T> {
    fn drop(&mut self) {
        self.end_stream();
    }
}

impl<M: Memory, P: Wait<M::Sleeper>, T> fmt::Debug for Writer<M, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distance = count_sub(self.written.get().data_count(), self.read.get().data_count());
        f.debug_struct("Writer")
            .field("written", &self.written.get())
            .field("unread_words_at_most", &distance)
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}
