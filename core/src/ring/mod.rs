//! A ring of events between one writer, which may be a signal or interrupt handler, and one reader.
//!
//! The idea is that of the Go runtime's profBuf; docs/ring.md tells what is the same and what is better.
//! An event is a time, a header of a fixed number of words, a stack of any number of words and a tag. A
//! full ring loses new events, never old ones, and the reader is told how many, where in the stream, why
//! and when.
//!
//! Does not: allocate, lock, look at a clock, call an operating system (the [`Wait`] port does), loop
//! without a bound.
//!
//! ```
//! use tallymark_core::ring::{Capacity, Header, Item, Polling, Read, Ring, words_of};
//!
//! let capacity = Capacity::new(1, 1 << 10, 1 << 6).unwrap(); // a header word, 1024 words, 64 events
//! let mut memory = vec![0; words_of(capacity)];
//! let ring = Ring::format(&mut memory, &Header::new(capacity))?;
//! let (writer, mut reader) = ring.split::<u64, _>(Polling);
//!
//! writer.write(7, 1000, &[1], &[0x401000, 0x402000])?;
//! let Read::Events(batch) = reader.read()? else { panic!("nothing") };
//! for item in batch {
//!     let Item::Event(event) = item else { panic!("a loss") };
//!     assert_eq!((event.tag(), event.time(), event.header(), event.stack()),
//!                (7, 1000, &[1][..], &[0x401000, 0x402000][..]));
//! }
//! drop(writer);
//! assert!(matches!(reader.read()?, Read::End));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod done;
pub mod halves;
mod handler;
pub mod index;
mod inspect;
mod layout;
mod losing;
pub mod loss;
pub mod memory;
mod nested;
mod place;
mod reader;
mod region;
mod sleeping;
mod storage;
mod tag;
mod tally;
mod wait;
mod width;
mod writer;

#[cfg(test)]
mod tests;

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::AtomicU32;

pub use batch::{Batch, Event, Item, Items};
pub use handler::InHandlers;
pub use index::Index;
pub use layout::{Clock, HEADER_WORDS, Header, HeaderError, HeaderRule, MAGIC, Threshold, VERSION, words_of};
pub use loss::{Loss, Reason};
pub use memory::{Lend, Memory};
pub use place::{Capacity, FIXED_WORDS, LIMIT};
pub use reader::{Read, Reader, RingFault, RingRule};
pub use region::RingMemory;
pub use sleeping::SETTLE;
pub use storage::RingStorage;
pub use tag::Tag;
pub use wait::{Polling, Wait};
#[cfg(target_has_atomic = "64")]
pub use width::Whole;
pub use width::{Access, Halves, Native, Plain, Shared, Width};
pub use writer::Writer;

impl Header {
    /// Of a ring that wakes its reader when it is half full, by words or by events.
    ///
    /// With fewer than `data / 2` divided by the smallest event (in words) tags, it is tags that run out
    /// first.
    #[must_use]
    pub const fn new(capacity: Capacity) -> Header {
        let tags = if capacity.tags() < 2 { 1 } else { capacity.tags() / 2 };
        let wake = Threshold { data: capacity.data_words() / 2, tags };
        Header { capacity, wake, clock: Clock::Unknown, width: Native::BYTES }
    }
}

/// The two ends of a ring.
pub type Ends<M, P, T = u64> = (Writer<M, P, T>, Reader<M, P, T>);

/// A ring with both its ends, or, if the other end is in another process, with one.
#[derive(Debug)]
pub struct Ring<K, A = Plain, W = Native> {
    memory: RingMemory<K, A, W>,
    header: Header,
}

impl<'m> Ring<PhantomData<&'m mut [u64]>> {
    /// Makes an empty ring in memory of [`words_of`] words at least.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] (`Length` or `Threshold`; on machines whose `u64` has an alignment of 4, `Aligned`).
    pub fn format(words: &'m mut [u64], header: &Header) -> Result<Self, HeaderError> {
        let length = words.len();
        // SAFETY: the slice is borrowed mutably for as long as the ring lives.
        unsafe { Self::format_raw(NonNull::from(words).cast(), length, PhantomData, header) }
    }

    /// The ring that is in these words: a copy of other memory, a core dump, memory that has lived through
    /// a reset.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if there is none.
    pub fn attach(words: &'m mut [u64]) -> Result<Self, HeaderError> {
        let length = words.len();
        // SAFETY: as in `format`.
        unsafe { Self::attach_raw(NonNull::from(words).cast(), length, PhantomData) }
    }
}

impl<K, A: Access, W: Width> Ring<K, A, W> {
    /// Makes an empty ring in raw memory. `keep` keeps the memory alive.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] (`Aligned`, `Length` or `Threshold`).
    ///
    /// # Safety
    ///
    /// `words` words at `base` are valid for reads and writes as long as `keep` or a clone of it lives.
    /// Nobody reads them during this call, and afterwards they are touched as a ring only, with one writer
    /// and one reader at a time; with [`Shared`] other processes and devices may touch them in any way.
    pub unsafe fn format_raw(
        base: NonNull<u64>,
        words: usize,
        keep: K,
        header: &Header,
    ) -> Result<Self, HeaderError> {
        // SAFETY: as the caller promises.
        let memory = unsafe { RingMemory::format_raw(base, words, keep, header) }?;
        Ok(Ring { memory, header: Header { width: W::BYTES, ..*header } })
    }

    /// The ring that is in raw memory.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if there is none that can be used.
    ///
    /// # Safety
    ///
    /// As [`Ring::format_raw`]. If the ends are taken from two such rings, with [`Plain`], the indices are
    /// as ends have left them; those of a ring that is [split](Ring::split) may be anything.
    pub unsafe fn attach_raw(base: NonNull<u64>, words: usize, keep: K) -> Result<Self, HeaderError> {
        // SAFETY: as the caller promises.
        let (memory, header) = unsafe { RingMemory::attach_raw(base, words, keep) }?;
        Ok(Ring { memory, header })
    }

    /// What the ring's header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Both ends.
    #[must_use]
    pub fn split<T: Tag, P>(self, port: P) -> Ends<RingMemory<K, A, W>, P, T>
    where
        K: Clone,
        P: Wait<AtomicU32> + Clone,
    {
        let (wake, other) = (self.header.wake, self.memory.other_end());
        let written = Index::from_bits(self.memory.recover_written());
        // SAFETY: the ring is this one, and it is given up: there is no other reader.
        let mut reader = unsafe { Reader::attach(other, port.clone(), wake) };
        // Before the writer looks: whatever the memory held, both go on from one place.
        reader.agree(written);
        // SAFETY: the same for the writer.
        (unsafe { Writer::attach(self.memory, port, wake) }, reader)
    }

    /// The writer; the reader is in another process.
    #[must_use]
    pub fn into_writer<T: Tag, P: Wait<AtomicU32>>(self, port: P) -> Writer<RingMemory<K, A, W>, P, T> {
        // SAFETY: as in `split`.
        unsafe { Writer::attach(self.memory, port, self.header.wake) }
    }

    /// The reader; the writer is in another process, or dead.
    #[must_use]
    pub fn into_reader<T: Tag, P: Wait<AtomicU32>>(self, port: P) -> Reader<RingMemory<K, A, W>, P, T> {
        // SAFETY: as in `split`.
        unsafe { Reader::attach(self.memory, port, self.header.wake) }
    }
}
