//! What simulators of the test package see of the two ends: their memory, and all that they know beside it.

use core::cell::Cell;
use core::marker::PhantomData;

use super::memory::Memory;
use super::nested::Nested;
use super::reader::Reader;
use super::wait::Wait;
use super::writer::Writer;

#[doc(hidden)]
impl<M: Memory, P: Wait<M>, T> Writer<M, P, T> {
    pub fn memory(&self) -> &M {
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
impl<M: Memory, P: Wait<M>, T> Reader<M, P, T> {
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// All that it knows beside the memory.
    pub fn knowledge(&self) -> [u64; 6] {
        [
            self.read.bits(),
            self.next.bits(),
            u64::from(self.told.lost) << 32 | u64::from(self.told.nested),
            self.told.first_time,
            self.told.last_time,
            u64::from(self.told.too_large),
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
            tag: PhantomData,
        }
    }
}
