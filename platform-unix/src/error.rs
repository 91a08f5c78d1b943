//! What went wrong with a file: the operation, the path, the reason, and a portable kind.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heapless::String;
use rustix::io::Errno;
use tallymark_core::{ErrorKind, Fault};

/// An error of a file or directory, in one line: what was tried, on which path, and why it failed.
///
/// It is made without allocating: a counter in a signal handler may meet it.
#[derive(Debug)]
pub struct Error {
    operation: &'static str,
    directory: Arc<Path>,
    name: FileName,
    cause: Cause,
}

/// The name of a file in its directory; empty for the directory itself. No file system here has
/// longer ones.
pub(crate) type FileName = String<255>;

#[derive(Debug)]
pub(crate) enum Cause {
    System(Errno),
    NotAFile,
    Moved,
    InUse,
    CutShort { length: u64, mapped: u32 },
    TooLong { need: u64, capacity: u32 },
    Fault(Fault),
}

impl Error {
    pub(crate) fn new(
        operation: &'static str,
        directory: &Arc<Path>,
        name: &str,
        cause: impl Into<Cause>,
    ) -> Self {
        Error { operation, directory: Arc::clone(directory), name: file_name(name), cause: cause.into() }
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.cause {
            Cause::System(errno) => match errno {
                Errno::NOENT => ErrorKind::NotFound,
                Errno::ACCESS | Errno::PERM | Errno::ROFS => ErrorKind::Denied,
                Errno::NOSPC | Errno::DQUOT | Errno::FBIG => ErrorKind::NoSpace,
                Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::MLINK => ErrorKind::NotAFile,
                _ => ErrorKind::Other,
            },
            Cause::NotAFile => ErrorKind::NotAFile,
            Cause::Moved => ErrorKind::Moved,
            Cause::InUse => ErrorKind::InUse,
            Cause::CutShort { .. } => ErrorKind::CutShort,
            Cause::TooLong { .. } => ErrorKind::TooLong,
            Cause::Fault(_) => ErrorKind::Damaged,
        }
    }

    /// The path that the error is about.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        if self.name.is_empty() { self.directory.to_path_buf() } else { self.directory.join(&*self.name) }
    }

    /// The broken rule, for [`ErrorKind::Damaged`].
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self.cause {
            Cause::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// The error of the operating system, if it was one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self.cause {
            Cause::System(errno) => Some(errno.raw_os_error()),
            _ => None,
        }
    }
}

/// As much of a name as a file can have; the system refuses longer ones by itself.
pub(crate) fn file_name(name: &str) -> FileName {
    name.char_indices().map_while(|(at, c)| (at + c.len_utf8() <= 255).then_some(c)).collect()
}

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Self {
        Cause::System(errno)
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Self {
        Cause::System(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Cause::Fault(fault)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.operation, self.path().display())?;
        match &self.cause {
            // Both are what the kernel says of a link where O_NOFOLLOW wants none.
            Cause::System(Errno::LOOP | Errno::MLINK) => f.write_str("it is a symbolic link"),
            Cause::System(errno) => errno.fmt(f),
            Cause::NotAFile => f.write_str("it is not a regular file"),
            Cause::Moved => f.write_str("the file was deleted or replaced meanwhile"),
            Cause::InUse => f.write_str("another process is about to remove it"),
            Cause::CutShort { length, mapped } => {
                write!(f, "the file was cut to {length} bytes while {mapped} were in use")
            }
            Cause::TooLong { need, capacity } => {
                write!(f, "the file would have {need} bytes, and at most {capacity} are allowed")
            }
            Cause::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
