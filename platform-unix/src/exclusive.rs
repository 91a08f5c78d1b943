//! A file that no other process counts into, for as long as it is held.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use rustix::fs::{FlockOperation, OFlags, flock, fstat};
use rustix::io::Errno;

use crate::directory::{Directory, identity};
use crate::error::{Cause, Error};

/// The longest file that is read: 1 GiB.
const LENGTH_MAX: u64 = 1 << 30;

/// An exclusive lock on a file, with a descriptor of its own to read it by. Dropping it unlocks.
///
/// It keeps out those who lock: every tallymark process that counts into a file holds a shared lock
/// on it. Go's processes lock nothing.
#[derive(Debug)]
pub struct Exclusive<'d> {
    file: File,
    directory: &'d Directory,
    name: String,
    identity: (u64, u64),
}

impl Directory {
    /// Takes a regular file for this process alone, without waiting; `None` if another has it. A link
    /// is refused.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `NotFound` if there is no such file, `Moved` if the name leads to another
    /// file by the time the lock is held.
    pub fn take_exclusive(&self, name: &str) -> Result<Option<Exclusive<'_>>, Error> {
        let error = |cause: Cause| self.error("locking", name, cause);
        let Some(file) = self.open_regular(name, OFlags::RDONLY)? else {
            return Err(error(Errno::NOENT.into()));
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(error(errno.into())),
        }
        let identity = identity(&fstat(&file).map_err(|errno| error(errno.into()))?);
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
            let length = fstat(file)?.st_size as u64;
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

    /// Renames the file to a free name that nobody else chooses.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `Moved` if somebody who locks nothing put another file in its place: that
    /// one may have the new name then.
    pub fn rename(&mut self, name: &str) -> Result<(), Error> {
        self.check().map_err(|cause| self.error("renaming", cause))?;
        self.directory.rename(&self.name, name)?;
        name.clone_into(&mut self.name);
        self.check().map_err(|cause| self.error("renaming", cause))
    }

    /// Removes the file and unlocks it.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `Moved` if the name leads to another file.
    pub fn remove(self) -> Result<(), Error> {
        self.check().map_err(|cause| self.error("removing", cause))?;
        self.directory.remove(&self.name).map(drop)
    }

    /// Checks that the name still leads to this file.
    fn check(&self) -> Result<(), Cause> {
        if self.directory.identity(&self.name)? == Some(self.identity) { Ok(()) } else { Err(Cause::Moved) }
    }

    fn error(&self, operation: &'static str, cause: Cause) -> Error {
        self.directory.error(operation, &self.name, cause)
    }
}
