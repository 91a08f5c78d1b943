//! The names in a directory: which there are, renaming and removing them. No link is followed.

use std::io::Read;

use rustix::fs::{AtFlags, Dir, FileType, OFlags, fsync, renameat, statat, unlinkat};
use rustix::io::Errno;

use crate::directory::Directory;
use crate::error::Error;

impl Directory {
    /// The first `limit` bytes of a file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the file is not a regular one.
    pub fn read_all(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open_regular(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut bytes = Vec::new();
        match file.take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(self.error("reading", name, error)),
        }
    }

    /// Removes a name; false if there was none. A link is removed, not what it leads to.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, also for a directory.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        match unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.error("removing", name, errno)),
        }
    }

    /// Renames a file to a name that is free when this is called.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the name is taken. Two callers that choose one name at once are not
    /// kept apart: choose names that nobody else does.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let rename = || match self.identity(to)? {
            Some(_) => Err(Errno::EXIST),
            None => renameat(&self.descriptor, from, &self.descriptor, to),
        };
        rename().map_err(|errno| self.error("renaming", from, errno))
    }

    /// Waits until the names that were made and removed in this directory are so on the disk.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn sync(&self) -> Result<(), Error> {
        match fsync(&self.descriptor) {
            // Some file systems cannot do this for a directory.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(self.error("syncing the directory", "", errno)),
        }
    }

    /// The names in the directory that are UTF-8, sorted.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let list = || -> Result<Vec<String>, Errno> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.descriptor)? {
                if let Ok(name) = entry?.file_name().to_str() {
                    names.push(name.to_owned());
                }
            }
            names.retain(|name| name != "." && name != "..");
            names.sort();
            Ok(names)
        };
        list().map_err(|errno| self.error("listing", "", errno))
    }

    /// When a regular file was last written to, in seconds since 1970; `None` if there is no regular
    /// file of this name.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "widths differ between systems")]
    pub fn modified(&self, name: &str) -> Result<Option<i64>, Error> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) if FileType::from_raw_mode(status.st_mode as _) == FileType::RegularFile => {
                Ok(Some(status.st_mtime as i64))
            }
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("looking at", name, errno)),
        }
    }
}
