//! A ring of events between one writer, which may be a signal handler, and one reader.
//!
//! An event is a time, a header of a fixed number of words, a stack of any number of words and a tag.
//! [`Writer::write`] takes no lock, allocates nothing and ends after a fixed number of steps. A full ring
//! loses new events, never old ones, and the reader is told how many, where in the stream, why and when.
//! How it works: [`tallymark_core::ring`].
//!
//! ```
//! use std::thread;
//! use tallymark::ring::{self, Capacity, Header, Item, Read};
//!
//! // A header word, room for 4096 words and 256 events.
//! let capacity = Capacity::new(1, 1 << 12, 1 << 8).ok_or("too large")?;
//! let (writer, mut reader) = ring::new::<u64>(&Header::new(capacity))?;
//!
//! let reading = thread::spawn(move || {
//!     let (mut read, mut lost) = (0, 0);
//!     // Sleeps until the ring is half full, events were lost, or the writer is gone.
//!     while let Read::Events(batch) = reader.wait(None)? {
//!         for item in batch {
//!             match item {
//!                 Item::Event(event) => read += event.header()[0],
//!                 Item::Loss(loss) => lost += loss.weight,
//!             }
//!         }
//!     }
//!     Ok::<_, ring::RingFault>((read, lost))
//! });
//! for time in 0..10_000 {
//!     let _ = writer.write(7, time, &[1], &[0x401000, 0x402000]); // what is lost is counted
//! }
//! writer.close();
//! let (read, lost) = reading.join().map_err(|_| "a panic")??;
//! assert_eq!(read + lost, 10_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From a signal handler
//!
//! Put the writer into [`InHandlers`], where the handler finds it. One thread writes, together with the
//! handlers that run on it. A handler in the middle of a write loses its event, and that is counted as
//! well ([`Reason::Nested`]). Drop the writer elsewhere than in a handler: it gives memory back.
//! `examples/ring_signal.rs` is a profiler made so.
//!
//! # Between processes
//!
//! [`shared`] has rings in files.

mod heap;
pub mod shared;

use std::fmt;

pub use crate::platform::RingWait;
pub use heap::Heap;
pub use tallymark_core::ring::{
    Batch, Capacity, Clock, Event, Header, HeaderError, HeaderRule, InHandlers, Item, Items, Loss, Polling,
    Read, Reason, Ring, RingFault, RingMemory, RingRule, RingStorage, Tag, Threshold, Wait, words_of,
};

/// Memory of a ring that [`new`] made.
pub type Memory = RingMemory<Heap>;

/// The only writer of a ring that [`new`] made. Dropping it ends the stream.
pub type Writer<T = u64> = tallymark_core::ring::Writer<Memory, RingWait, T>;

/// The only reader of a ring that [`new`] made.
pub type Reader<T = u64> = tallymark_core::ring::Reader<Memory, RingWait, T>;

/// Makes a ring in memory of this process. Each end can go to a thread; the memory lives as long as one
/// of them does.
///
/// # Errors
///
/// [`Error`].
pub fn new<T: Tag>(header: &Header) -> Result<(Writer<T>, Reader<T>), Error> {
    let (heap, base, words) = Heap::new(header.capacity)?;
    // SAFETY: the heap owns so many words, gives them back when its last clone is dropped, and nobody
    // else knows of them.
    let ring: Ring<Heap> = unsafe { Ring::format_raw(base, words, heap, header) }?;
    Ok(ring.split(RingWait::new()))
}

/// Why there is no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The header is none: a threshold is 0.
    Header(HeaderError),
    /// There is no memory for so many words of 8 bytes.
    NoMemory {
        /// The words.
        words: usize,
    },
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        Error::Header(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Header(error) => error.fmt(f),
            Error::NoMemory { words } => write!(f, "there is no memory for {words} words of 8 bytes"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header::new(Capacity::new(1, 1 << 6, 1 << 3).unwrap())
    }

    #[test]
    fn an_end_cannot_go_to_another_thread() {
        fn can_go<T: Send>() {}
        can_go::<(Writer<()>, Reader<()>)>();
        can_go::<(shared::Writer<()>, shared::Reader<()>)>();
    }

    #[test]
    fn memory_goes_with_the_first_end() {
        let (writer, mut reader) = new::<u64>(&header()).unwrap();
        writer.write(1, 2, &[3], &[4]).unwrap();
        drop(writer);
        let Read::Events(batch) = reader.read().unwrap() else { panic!("nothing") };
        let Some(Item::Event(event)) = batch.items().next() else { panic!("no event") };
        assert_eq!((event.tag(), event.time(), event.header(), event.stack()), (1, 2, &[3][..], &[4][..]));
        assert!(matches!(reader.read().unwrap(), Read::End));

        let (writer, reader) = new::<()>(&header()).unwrap();
        drop(reader);
        writer.write((), 2, &[3], &[4]).unwrap();
    }

    #[test]
    fn a_header_that_is_none_makes_a_ring() {
        let none = Header { wake: Threshold { data: 0, tags: 1 }, ..header() };
        let error = new::<u64>(&none).unwrap_err();
        assert!(matches!(error, Error::Header(HeaderError { rule: HeaderRule::Threshold, .. })), "{error}");
    }
}
