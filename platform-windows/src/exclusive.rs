//! A file that no other process counts into, for as long as it is held.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::windows::fs::OpenOptionsExt;

use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::FILE_SHARE_DELETE;

use crate::directory::{Directory, identity};
use crate::error::{Cause, Error};

/// The longest file that is read: 1 GiB.
const LENGTH_MAX: u64 = 1 << 30;

/// A file opened so that nobody else can read or write it, and only if nobody has it open so.
/// Dropping it gives it free.
///
/// A file that another process has mapped, and whose handle it has closed, can be taken; the system
/// then refuses to remove it.
#[derive(Debug)]
pub struct Exclusive<'d> {
    file: File,
    directory: &'d Directory,
    name: String,
    identity: (u32, u64),
}

impl Directory {
    /// Takes a regular file for this process alone, without waiting; `None` if another has it. A link
    /// is refused.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `NotFound` if there is no such file, `Moved` if the name leads to another
    /// file by the time it is held.
    pub fn take_exclusive(&self, name: &str) -> Result<Option<Exclusive<'_>>, Error> {
        let error = |cause: Cause| Error::new("locking", &self.path().join(name), cause);
        // Shared for deleting: renaming and removing open the file a second time for that.
        let opened = self.open_regular(name, OpenOptions::new().read(true).share_mode(FILE_SHARE_DELETE));
        let file = match opened {
            Ok(Some(file)) => file,
            Ok(None) => return Err(error(io::Error::from(io::ErrorKind::NotFound).into())),
            Err(cause) if cause.errno() == Some(ERROR_SHARING_VIOLATION.cast_signed()) => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let identity = identity(&file).map_err(|cause| error(cause.into()))?;
        let exclusive = Exclusive { file, directory: self, name: name.to_owned(), identity };
        exclusive.check().map_err(error)?;
        Ok(Some(exclusive))
    }
}

impl Exclusive<'_> {
    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the whole file.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system; of kind `TooLong` above 1 GiB.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let read = || -> Result<Vec<u8>, Cause> {
            let mut file = &self.file;
            let length = file.metadata()?.len();
            if length > LENGTH_MAX {
                return Err(Cause::TooLong { need: length, capacity: LENGTH_MAX as u32 });
            }
            file.seek(SeekFrom::Start(0))?;
            let mut bytes = Vec::new();
            file.take(LENGTH_MAX).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|cause| self.error("reading", cause))
    }

    /// Renames the file to a free name.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `Moved` if somebody put another file in its place: that one may have the new
    /// name then.
    pub fn rename(&mut self, name: &str) -> Result<(), Error> {
        self.check().map_err(|cause| self.error("renaming", cause))?;
        self.directory.rename(&self.name, name)?;
        name.clone_into(&mut self.name);
        self.check().map_err(|cause| self.error("renaming", cause))
    }

    /// Removes the file and gives it free.
    ///
    /// # Errors
    ///
    /// [`Error`], also for a file that another process has mapped; of kind `Moved` if the name leads
    /// to another file.
    pub fn remove(self) -> Result<(), Error> {
        self.check().map_err(|cause| self.error("removing", cause))?;
        self.directory.remove(&self.name).map(drop)
    }

    /// Checks that the name still leads to this file.
    fn check(&self) -> Result<(), Cause> {
        if self.directory.identity(&self.name)? == Some(self.identity) { Ok(()) } else { Err(Cause::Moved) }
    }

    fn error(&self, operation: &'static str, cause: Cause) -> Error {
        Error::new(operation, &self.directory.path().join(&self.name), cause)
    }
}
