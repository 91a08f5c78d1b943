//! The Unix side of tallymark: files that are mapped once and grow in place.
//!
//! It supplies [`MappedFile`], a [`Store`](tallymark_core::Store) over a file, and [`Directory`], the
//! only way it names files. It starts no thread, installs no signal handler unless asked to, reads no
//! environment, and writes nothing outside the directory it was given: links in the place of files are not followed.
//!
//! * The whole address range of a file is reserved when it is opened, so no pointer into it ever
//!   moves; growing the file makes more of the range usable.
//! * Blocks are allocated before any page of them is touched, so a full disk is an error and not a
//!   signal, wherever the file system can allocate (`fallocate`; not on macOS).
//! * A new file appears under its name complete, with its first page allocated.
//!
//! # Known limit
//!
//! A file that another process cuts short while this one adds to it raises SIGBUS on the pages that
//! are gone, until the next slow-path call notices and makes the file long again
//! ([`ErrorKind::CutShort`](tallymark_core::ErrorKind::CutShort)). [`survive_cuts`] installs a handler
//! that lets the process live.
#![cfg(unix)]

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "allocate/linux.rs")]
#[cfg_attr(target_os = "freebsd", path = "allocate/posix.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_os = "freebsd")),
    path = "allocate/sparse.rs"
)]
mod allocate;
mod cuts;
mod directory;
mod entries;
mod error;
mod exclusive;
mod fork;
mod lasting_file;
mod mapped_file;
mod process;
mod ring_wait;
mod timer;

pub use cuts::survive_cuts;
pub use directory::Directory;
pub use error::Error;
pub use exclusive::Exclusive;
pub use fork::{SignalsBlocked, around_fork};
pub use lasting_file::LastingFile;
pub use mapped_file::{DEFAULT_CAPACITY, MAX_CAPACITY, MappedFile};
pub use process::is_alive;
pub use ring_wait::{PortableRingWait, RingWait};
pub use timer::{PortableTimer, Timer};
