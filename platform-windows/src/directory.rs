//! A directory and the files in it, by name. No link in the place of a file is followed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_TOO_MANY_LINKS,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, GetFileInformationByHandle, MoveFileExW,
};

use crate::error::{Cause, Error};

/// How a name is opened: the file itself, not what a link in its place leads to. A directory can be
/// opened too, so that it is told from a file that may not be opened.
const NO_FOLLOW: u32 = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS;

/// A directory, by its path: Windows has no documented way to open a name relative to an open
/// directory, so a directory that is renamed is not followed.
///
/// Access rights are those that files inherit from the directory. Handles are shared for reading,
/// writing and deleting, and no child process inherits them.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// A directory that exists.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn open(path: impl Into<Arc<Path>>) -> Result<Self, Error> {
        let path = &*path.into();
        let error = |cause: Cause| Error::new("opening the directory", path, cause);
        let metadata = fs::metadata(path).map_err(|cause| error(cause.into()))?;
        if !metadata.is_dir() {
            return Err(error(io::Error::from(io::ErrorKind::NotADirectory).into()));
        }
        Ok(Directory { path: path.to_path_buf() })
    }

    /// A directory, made (parents as well) if it is missing.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create(path: impl Into<Arc<Path>>) -> Result<Self, Error> {
        let path = &*path.into();
        fs::create_dir_all(path).map_err(|error| Error::new("making the directory", path, error))?;
        Directory::open(path)
    }

    /// The directory `name` in this one, made if it is missing. A link is refused.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create_subdirectory(&self, name: &str) -> Result<Self, Error> {
        let path = self.path.join(name);
        match fs::create_dir(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::new("making the directory", &path, cause));
            }
            _ => {}
        }
        self.open_child(name).map_err(|cause| Error::new("opening the directory", &path, cause))
    }

    /// The directory `name` in this one; `None` if there is none. A link is refused.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn open_subdirectory(&self, name: &str) -> Result<Option<Self>, Error> {
        match self.open_child(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::new("opening the directory", &self.path.join(name), cause)),
        }
    }

    fn open_child(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        if !fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Directory { path })
    }

    /// Whether it has been removed since it was opened. That is never said here: a directory is its path,
    /// so what is at the path now is what is read.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        false
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the beginning of a small file, as much as `into` holds, and returns it; `None` if there
    /// is no such file.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the file is not a regular one.
    pub fn read<'b>(&self, name: &str, into: &'b mut [u8]) -> Result<Option<&'b [u8]>, Error> {
        let Some(mut file) = self.open_regular(name, OpenOptions::new().read(true))? else {
            return Ok(None);
        };
        let mut length = 0;
        // Bound: each turn reads a byte at least.
        loop {
            match file.read(&mut into[length..]) {
                Ok(0) => return Ok(Some(&into[..length])),
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::new("reading", &self.path.join(name), error)),
            }
        }
    }

    /// Makes a file with this content, unless there is one of this name: then false. The file appears
    /// complete, also after a crash of the system: its content is on the disk before it has its name. Of
    /// several makers one wins.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system; the file is not made then.
    pub fn make(&self, name: &str, content: &[u8]) -> Result<bool, Error> {
        self.make_with(name, |file| {
            file.write_all(content)?;
            Ok(file.sync_all()?)
        })
    }

    /// As [`Directory::make`]; `fill` writes the content.
    pub(crate) fn make_with(
        &self,
        name: &str,
        fill: impl FnOnce(&mut File) -> Result<(), Cause>,
    ) -> Result<bool, Error> {
        let error = |cause: Cause| Error::new("making", &self.path.join(name), cause);
        let (private, mut file) = self.make_private().map_err(|cause| error(cause.into()))?;
        let filled = fill(&mut file);
        drop(file);
        let linked = filled.and_then(|()| Ok(link(&private, &self.path.join(name))?));
        // Another process may have mapped the file by its public name by now: then the private name goes
        // with the last handle, or stays where the system refuses. No count hangs on it.
        let _ = fs::remove_file(&private);
        linked.map_err(error)
    }

    /// Gives a small file this content, whether or not there is one of this name: who opens the name
    /// finds the old content or the new. A link in the place of the file is replaced, not followed.
    /// When this returns, the content is on the disk; the system decides when the name is.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system; then the old content is still there.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let error = |cause: io::Error| Error::new("replacing", &self.path.join(name), cause);
        let (private, mut file) = self.make_private().map_err(error)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        drop(file);
        let renamed = written.and_then(|()| fs::rename(&private, self.path.join(name)));
        renamed.map_err(|cause| {
            let _ = fs::remove_file(&private);
            error(cause)
        })
    }

    /// A new file with a private name, which is unique in this process; a file that a dead process of
    /// the same number left behind is skipped.
    fn make_private(&self) -> io::Result<(PathBuf, File)> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        loop {
            // ORDER: Relaxed. Only each number once matters.
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let private = self.path.join(format!(".{}.{serial}.new", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&private) {
                Ok(file) => return Ok((private, file)),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
    }

    /// Opens a regular file; `None` if there is none of this name.
    pub(crate) fn open_regular(&self, name: &str, options: &mut OpenOptions) -> Result<Option<File>, Error> {
        let path = self.path.join(name);
        let error = |cause: Cause| Error::new("opening", &path, cause);
        let file = match options.custom_flags(NO_FOLLOW).open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(error(cause.into())),
        };
        let metadata = file.metadata().map_err(|cause| error(cause.into()))?;
        let is_link = metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0;
        if is_link || !metadata.is_file() {
            return Err(error(Cause::NotAFile));
        }
        Ok(Some(file))
    }

    /// Volume and index of what the name leads to; `None` if it leads nowhere.
    pub(crate) fn identity(&self, name: &str) -> io::Result<Option<(u32, u64)>> {
        // Access 0 is enough for the attributes, and cannot be refused for what others share.
        let opened = OpenOptions::new().access_mode(0).custom_flags(NO_FOLLOW).open(self.path.join(name));
        match opened.map_err(|cause| (cause.kind(), cause)) {
            Ok(file) => identity(&file).map(Some),
            // Denied: so Windows answers while a deleted file waits for its last handle to close.
            Err((io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied, _)) => Ok(None),
            Err((_, cause)) => Err(cause),
        }
    }
}

/// Gives a finished file its public name; false if the name is taken.
fn link(private: &Path, public: &Path) -> io::Result<bool> {
    let linked = match fs::hard_link(private, public) {
        Err(cause) if lacks_links(&cause) => rename_new(private, public),
        linked => linked,
    };
    match linked {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Whether a file system without hard links (FAT, some network drives) answers so.
fn lacks_links(cause: &io::Error) -> bool {
    const ANSWERS: [u32; 4] =
        [ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_TOO_MANY_LINKS, ERROR_CALL_NOT_IMPLEMENTED];
    cause.raw_os_error().is_some_and(|code| ANSWERS.contains(&code.cast_unsigned()))
}

/// Renames without replacing, which [`fs::rename`] would do. No path here has a 0 in it: the callers have
/// used it before.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let [from, to] = [from, to].map(|path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<_>>());
    // SAFETY: both pointers lead to UTF-16 that ends with 0 and lives through the call.
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Volume and index of an open file: what tells it from one of the same name.
pub(crate) fn identity(file: &File) -> io::Result<(u32, u64)> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the pointer leads to a structure of the right type.
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow);
    Ok((information.dwVolumeSerialNumber, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    #[test]
    fn neither_way_of_naming_replaces_a_file() {
        let path = std::env::temp_dir().join(format!("tallymark-naming-{}", process::id()));
        let directory = Directory::create(path.clone()).unwrap();
        let [new, taken, free] = ["new", "taken", "free"].map(|name| directory.path().join(name));
        fs::write(&new, "new").unwrap();
        fs::write(&taken, "old").unwrap();
        assert!(!link(&new, &taken).unwrap());
        assert_eq!(rename_new(&new, &taken).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&taken).unwrap(), b"old");
        rename_new(&new, &free).unwrap();
        assert_eq!(fs::read(&free).unwrap(), b"new");
        fs::remove_dir_all(directory.path()).unwrap();
    }
}
