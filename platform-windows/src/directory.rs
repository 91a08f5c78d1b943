//! A directory and the files in it, by name. No link in the place of a file is followed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, GetFileInformationByHandle,
};

use crate::error::{Cause, Error};

/// A directory, by its path.
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
    pub fn open(path: &Path) -> Result<Self, Error> {
        let error = |cause: Cause| Error::new("opening the directory", path, cause);
        let metadata = fs::metadata(path).map_err(|cause| error(cause.into()))?;
        if !metadata.is_dir() {
            return Err(error(Cause::NotAFile));
        }
        Ok(Directory { path: path.to_path_buf() })
    }

    /// A directory, made (parents as well) if it is missing.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|error| Error::new("making the directory", path, error))?;
        Directory::open(path)
    }

    /// The directory `name` in this one, made if it is missing. A link is refused.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create_subdirectory(&self, name: &str) -> Result<Self, Error> {
        let directory = Directory::create(&self.path.join(name))?;
        let error = |cause: Cause| Error::new("opening the directory", &directory.path, cause);
        let metadata = fs::symlink_metadata(&directory.path).map_err(|cause| error(cause.into()))?;
        if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Err(error(Cause::NotAFile));
        }
        Ok(directory)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first `limit` bytes of a small file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the file is not a regular one.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open_regular(name, OpenOptions::new().read(true))? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::new("reading", &self.path.join(name), error))?;
        Ok(Some(bytes))
    }

    /// Makes a file with this content, unless there is one of this name: then false. The file appears
    /// complete; of several makers one wins.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system; the file is not made then.
    pub fn make(&self, name: &str, content: &[u8]) -> Result<bool, Error> {
        self.make_with(name, |file| Ok(file.write_all(content)?))
    }

    /// As [`Directory::make`]; `fill` writes the content.
    pub(crate) fn make_with(
        &self,
        name: &str,
        fill: impl FnOnce(&mut File) -> Result<(), Cause>,
    ) -> Result<bool, Error> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let error = |cause: Cause| Error::new("making", &self.path.join(name), cause);
        let (private, mut file) = loop {
            // ORDER: Relaxed. Only each number once matters.
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let private = self.path.join(format!(".{}.{serial}.new", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&private) {
                Ok(file) => break (private, file),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(error(cause.into())),
            }
        };
        let filled = fill(&mut file);
        drop(file);
        let linked = filled.and_then(|()| match fs::hard_link(&private, self.path.join(name)) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(cause) => Err(cause.into()),
        });
        let _ = fs::remove_file(&private);
        linked.map_err(error)
    }

    /// Opens a regular file; `None` if there is none of this name.
    pub(crate) fn open_regular(&self, name: &str, options: &mut OpenOptions) -> Result<Option<File>, Error> {
        let path = self.path.join(name);
        let error = |cause: Cause| Error::new("opening", &path, cause);
        let flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS;
        let file = match options.custom_flags(flags).open(&path) {
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
