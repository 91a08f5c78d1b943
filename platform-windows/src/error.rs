//! What went wrong with a file: the operation, the path, the reason, and a portable kind.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tallymark_core::{ErrorKind, Fault};

/// An error of a file or directory, in one line: what was tried, on which path, and why it failed.
#[derive(Debug)]
pub struct Error {
    operation: &'static str,
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
pub(crate) enum Cause {
    System(io::Error),
    NotAFile,
    Moved,
    CutShort { length: u64, mapped: u32 },
    TooLong { need: u64, capacity: u32 },
    Fault(Fault),
}

impl Error {
    pub(crate) fn new(operation: &'static str, path: &Path, cause: impl Into<Cause>) -> Self {
        Error { operation, path: path.to_path_buf(), cause: cause.into() }
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::System(error) => match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    ErrorKind::NoSpace
                }
                io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => ErrorKind::NotAFile,
                _ => ErrorKind::Other,
            },
            Cause::NotAFile => ErrorKind::NotAFile,
            Cause::Moved => ErrorKind::Moved,
            Cause::CutShort { .. } => ErrorKind::CutShort,
            Cause::TooLong { .. } => ErrorKind::TooLong,
            Cause::Fault(_) => ErrorKind::Damaged,
        }
    }

    /// The path that the error is about.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.path.clone()
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
        match &self.cause {
            Cause::System(error) => error.raw_os_error(),
            _ => None,
        }
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Cause::System(error)
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Cause::Fault(fault)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.operation, self.path.display())?;
        match &self.cause {
            Cause::System(error) => error.fmt(f),
            Cause::NotAFile => f.write_str("it is not a regular file"),
            Cause::Moved => f.write_str("the file was deleted or replaced meanwhile"),
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
