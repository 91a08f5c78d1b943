//! The Windows side of tallymark, with the same ports as the Unix side.
//!
//! It supplies `MappedFile`, a [`Store`](tallymark_core::Store) over a file, and `Directory`, the
//! only way it names files. It starts no thread, reads no environment, and writes nothing outside the
//! directory it was given: links in the place of files are not followed.
//!
//! * A view of a file cannot grow, so a file is mapped in chunks of 64 KiB. A chunk that becomes longer
//!   is mapped again; its older views stay, so that no pointer into them ever dies.
//! * A file grows by writing 4 zero bytes at its new end, as Go does. NTFS gives clusters to a file that
//!   is neither sparse nor compressed when it is extended, so a full disk is an error there.
//! * A new file appears under its name complete, by a hard link, or by a rename that replaces nothing
//!   where there are no links.
//!
//! # Known limits
//!
//! * A sparse or compressed file may find the disk full when a page is written back, and one on a
//!   network drive may lose its server: the page that is touched then raises an exception.
//! * Each growth takes a view, with an address range of 64 KiB and a handle, for each chunk that it
//!   touches. 32-bit processes run out of addresses long before the greatest length; that is an error.
//!
//! The tests have been run on Wine 8; on Windows itself not yet.
#![cfg(windows)]

mod chunks;
mod directory;
mod entries;
mod error;
mod exclusive;
mod lasting_file;
mod mapped_file;
mod process;
mod ring_wait;
mod timer;

pub use chunks::ChunkedMemory;
pub use directory::Directory;
pub use error::Error;
pub use exclusive::Exclusive;
pub use lasting_file::LastingFile;
pub use mapped_file::{DEFAULT_CAPACITY, MAX_CAPACITY, MappedFile, survive_cuts};
pub use process::is_alive;
pub use ring_wait::RingWait;
pub use timer::Timer;
