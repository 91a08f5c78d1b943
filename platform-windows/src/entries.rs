//! The names in a directory: which there are, renaming and removing them. No link is followed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::time::UNIX_EPOCH;

use crate::directory::Directory;
use crate::error::Error;

impl Directory {
    /// The first `limit` bytes of a file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the file is not a regular one.
    pub fn read_all(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open_regular(name, OpenOptions::new().read(true))? else { return Ok(None) };
        let mut bytes = Vec::new();
        match file.take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(Error::new("reading", &self.path().join(name), error)),
        }
    }

    /// Removes a name; false if there was none. A link is removed, not what it leads to.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system: also for a directory, and for a file that another process has mapped.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        let path = self.path().join(name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(Error::new("removing", &path, cause)),
        }
    }

    /// Renames a file to a name that is free.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the name is taken.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let path = self.path().join(from);
        crate::directory::rename_new(&path, &self.path().join(to))
            .map_err(|cause| Error::new("renaming", &path, cause))
    }

    /// Nothing: the system decides when names are on the disk.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The names in the directory that are UTF-8, sorted.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(self.path())? {
                names.extend(entry?.file_name().into_string().ok());
            }
            names.sort();
            Ok(names)
        };
        list().map_err(|cause| Error::new("listing", self.path(), cause))
    }

    /// When a regular file was last written to, in seconds since 1970; `None` if there is no regular
    /// file of this name.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn modified(&self, name: &str) -> Result<Option<i64>, Error> {
        let path = self.path().join(name);
        let time = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata.modified(),
            Ok(_) => return Ok(None),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => Err(cause),
        };
        let time = time.map_err(|cause| Error::new("looking at", &path, cause))?;
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |duration| duration.as_secs());
        Ok(Some(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }
}
