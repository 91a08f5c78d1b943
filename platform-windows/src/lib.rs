//! The Windows side of tallymark, with the same ports as the Unix side.
//!
//! It supplies `MappedFile`, a [`Store`](tallymark_core::Store) over a file, and `Directory`, the
//! only way it names files. It starts no thread, reads no environment, and writes nothing outside the
//! directory it was given: links in the place of files are not followed.
//!
//! * A view of a file cannot grow, so a file is mapped in chunks of 64 KiB. A chunk that becomes longer
//!   is mapped again; its older views stay, so that no pointer into them ever dies.
//! * A file grows by writing 4 zero bytes at its new end, as Go does. NTFS gives clusters to a file that
//!   is not sparse when it is extended, so a full disk is an error there.
//!
//! Compiled by CI for `x86_64-pc-windows-gnu`; not run yet.
#![cfg(windows)]

mod chunks;
mod directory;
mod error;
mod mapped_file;

pub use chunks::ChunkedMemory;
pub use directory::Directory;
pub use error::Error;
pub use mapped_file::{DEFAULT_CAPACITY, MAX_CAPACITY, MappedFile};
