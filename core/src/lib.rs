//! Event counters in a small memory-mapped file that many processes share without a lock.
//!
//! This crate is the protocol itself. It works on raw memory through two small traits
//! ([`ReadWords`], [`Words`]) and never touches an operating system: no `std`, no allocation, no
//! threads, no clock, no environment, no locks, no recursion, no floats.
//!
//! # Promises
//!
//! * A count that was acknowledged is in the file, whatever process dies at whatever instruction.
//! * Reading any bytes ends, does not panic and does not leave the memory it was given; the time is
//!   linear in the length of the file, and every good record is salvaged.
//! * Writing into any bytes ends and does not panic. No link, limit or length in the file is believed
//!   before it is checked.
//! * The same operations leave the same bytes as Go's `golang.org/x/telemetry`.
//!
//! # Not promised
//!
//! * Durability across power loss; network file systems; right counts beside a writer that breaks the
//!   protocol on purpose (memory safety: yes).
//!
//! # Map
//!
//! | room | idea |
//! | --- | --- |
//! | [`mod@format`] | the file format: arithmetic, names, header, records, stack names, the bounded reader |
//! | [`words`] | the only door to shared memory |
//! | [`table`] | the insertion protocol: look up, reserve, write, publish, look again |
//! | [`mod@file`] | one counter file over a [`port::Store`]: answers "grow" and "look again" |
//! | [`port`] | what a host supplies |
//! | [`mod@ring`] | events from a signal handler to a reader: writer, reader, losses, memory |
//! | [`calendar`] | days, weeks and their names |
//! | [`fault`] | which rule of the format does not hold, and where |
//!
//! # A counter file in a static
//!
//! ```
//! use tallymark_core::{CounterFile, Day, Mapped, Metadata, Name, Region};
//!
//! static MEMORY: Region<4096> = Region::new(); // 16 KiB, the smallest file
//!
//! let header = Metadata {
//!     time_begin: Day::from_civil(2026, 1, 5).unwrap(),
//!     time_end: Day::from_civil(2026, 1, 7).unwrap(),
//!     program: "firmware", version: "v1.0.0", toolchain: "rust1.88", os: "none", arch: "arm",
//! }
//! .encode()?;
//! let memory = Mapped::from_words(MEMORY.words())?;
//! let file = CounterFile::format(memory, &header)?;
//! let boots = file.slot(&Name::plain(b"boots")?)?;
//! file.add(boots, 1)?;
//! assert_eq!(file.value(boots)?, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

pub mod calendar;
pub mod counter;
pub mod fault;
pub mod file;
pub mod format;
pub mod port;
pub mod ring;
pub mod session;
pub mod table;
pub mod words;

pub use calendar::{Day, Weekday};
pub use counter::Counter;
pub use fault::{Fault, Rule};
pub use file::{CounterFile, FileError};
pub use format::header::{Header, Metadata};
pub use format::layout::Layout;
pub use format::name::{Name, NameError};
pub use format::reader::{Entry, Item, Leftovers, Reader};
pub use port::{ErrorKind, Host, Lasting, Opened, Store};
pub use session::Session;
pub use table::{Slot, Step, Table};
pub use words::{Bytes, Count, Mapped, Outside, ReadWords, Region, Words};

/// What all property tests share: no file is written, and Miri, a hundred times slower, tries less.
#[cfg(test)]
fn proptest_config() -> proptest::test_runner::Config {
    let cases = if cfg!(miri) { 8 } else { 256 };
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}
