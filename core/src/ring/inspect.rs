//! What simulators of the test package see of the two ends: their memory, and all that they know beside it.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::Ordering;

use super::Ring;
use super::done::READ;
use super::index::Index;
use super::memory::{Memory, Word64};
use super::nested::Nested;
use super::reader::Reader;
use super::wait::Wait;
use super::width::{Access, Width};
use super::writer::Writer;

#[doc(hidden)]
impl<K, A: Access, W: Width> Ring<K, A, W> {
    /// Lets the counts of an empty ring begin elsewhere than at 0.
    pub fn start_at(&self, start: Index) {
        begin(&self.memory, start);
    }
}

/// The same for the memory of a new ring.
pub(super) fn begin<M: Memory>(memory: &M, start: Index) {
    for word in [Word64::Written, Word64::Read, Word64::Done(0, READ)] {
        // ORDER: Relaxed. The ends are made later, by whoever has the memory.
        memory.store64(word, start.bits(), Ordering::Relaxed);
    }
}

#[doc(hidden)]
impl<M: Memory, P: Wait<M::Sleeper>, T> Writer<M, P, T> {
    /// Its memory.
    ///
    /// # Safety
    ///
    /// What is stored through it keeps to the protocol of this end.
    pub unsafe fn memory(&self) -> &M {
        &self.memory
    }

    /// All that it knows beside the memory, between two calls.
    pub fn knowledge(&self) -> [u64; 10] {
        let sums = self.tally.sums();
        let flags = u64::from(self.may_be_pending.get()) << 8 | u64::from(self.tally.stale());
        [
            self.written.get().bits(),
            self.read.get().bits(),
            self.due.get().bits(),
            u64::from(self.told.get()) << 32 | u64::from(self.taken.get()),
            self.refused.get() as u64,
            u64::from(sums.lost) << 32 | u64::from(sums.nested),
            sums.first_time,
            sums.last_time,
            u64::from(sums.too_large) << 32 | u64::from(self.tally.turn()),
            flags,
        ]
    }

    /// Another that knows the same, between two calls.
    ///
    /// # Safety
    ///
    /// One of the two is not used any more, not even dropped, or their memories are different.
    pub unsafe fn twin(&self) -> Self
    where
        M: Clone,
        P: Clone,
    {
        Writer {
            memory: self.memory.clone(),
            port: self.port.clone(),
            wake: self.wake,
            written: self.written.clone(),
            read: self.read.clone(),
            due: self.due.clone(),
            tally: self.tally.clone(),
            told: self.told.clone(),
            may_be_pending: Cell::new(self.may_be_pending.get()),
            taken: self.taken.clone(),
            refused: self.refused.clone(),
            nested: Nested::default(),
            tag: PhantomData,
        }
    }

    /// What dropping it does.
    pub fn end(&self) {
        self.end_stream();
    }
}

#[doc(hidden)]
impl<M: Memory, P: Wait<M::Sleeper>, T> Reader<M, P, T> {
    /// Its memory.
    ///
    /// # Safety
    ///
    /// What is stored through it keeps to the protocol of this end.
    pub unsafe fn memory(&self) -> &M {
        &self.memory
    }

    /// All that it knows beside the memory.
    pub fn knowledge(&self) -> [u64; 9] {
        let [turn, lost] = self.done.knowledge();
        let pending = self.pending.map_or(0, |sums| 1 << 32 | u64::from(sums.lost));
        [
            self.read.bits(),
            self.next.bits(),
            u64::from(self.told.lost) << 32 | u64::from(self.told.nested),
            self.told.first_time,
            self.told.last_time,
            u64::from(self.told.too_large),
            turn,
            lost,
            pending,
        ]
    }

    /// Another that knows the same.
    ///
    /// # Safety
    ///
    /// As [`Writer::twin`].
    pub unsafe fn twin(&self) -> Self
    where
        M: Clone,
        P: Clone,
    {
        Reader {
            memory: self.memory.clone(),
            port: self.port.clone(),
            wake: self.wake,
            read: self.read,
            next: self.next,
            told: self.told,
            done: self.done,
            pending: self.pending,
            fault: self.fault,
            tag: PhantomData,
        }
    }
}
