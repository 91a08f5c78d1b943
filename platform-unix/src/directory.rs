//! A directory and the files in it, by name. No link in the place of a file is followed.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, linkat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::error::{Cause, Error, FileName};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// An open directory. It stays the same directory when its path is renamed or linked elsewhere.
#[derive(Debug)]
pub struct Directory {
    pub(crate) descriptor: OwnedFd,
    path: Arc<Path>,
}

impl Directory {
    /// Opens a directory that exists.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn open(path: impl Into<Arc<Path>>) -> Result<Self, Error> {
        let path = path.into();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(&*path, flags, Mode::empty())
            .map_err(|errno| Error::new("opening the directory", &path, "", errno))?;
        Ok(Directory { descriptor, path })
    }

    /// Opens a directory, made with mode 0700 (parents as well) if it is missing.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create(path: impl Into<Arc<Path>>) -> Result<Self, Error> {
        let path = path.into();
        // It is there, but for the first time.
        if let Ok(directory) = Directory::open(Arc::clone(&path)) {
            return Ok(directory);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&path)
            .map_err(|error| Error::new("making the directory", &path, "", error))?;
        Directory::open(path)
    }

    /// Opens the directory `name` in this one, made with mode 0700 if it is missing. A link is
    /// refused.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn create_subdirectory(&self, name: &str) -> Result<Self, Error> {
        // It is there, but for the first time.
        if let Some(directory) = self.open_subdirectory(name)? {
            return Ok(directory);
        }
        match mkdirat(&self.descriptor, name, Mode::from_raw_mode(DIRECTORY_MODE as _)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.error("making the directory", name, errno)),
        }
        self.open_child(name).map_err(|errno| self.error("opening the directory", name, errno))
    }

    /// Opens the directory `name` in this one; `None` if there is none. A link is refused.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system.
    pub fn open_subdirectory(&self, name: &str) -> Result<Option<Self>, Error> {
        match self.open_child(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("opening the directory", name, errno)),
        }
    }

    fn open_child(&self, name: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = openat(&self.descriptor, name, flags, Mode::empty())?;
        Ok(Directory { descriptor, path: self.path.join(name).into() })
    }

    pub(crate) fn error(&self, operation: &'static str, name: &str, cause: impl Into<Cause>) -> Error {
        Error::new(operation, &self.path, name, cause)
    }

    /// Whether the directory has been removed since it was opened.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        fstat(&self.descriptor).is_ok_and(|status| status.st_nlink == 0)
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the beginning of a small file, as much as `into` holds, and returns it; `None` if there
    /// is no such file. Does not allocate.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system, or the file is not a regular one.
    pub fn read<'b>(&self, name: &str, into: &'b mut [u8]) -> Result<Option<&'b [u8]>, Error> {
        let Some(mut file) = self.open_regular(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut length = 0;
        // Bound: each turn reads a byte at least.
        loop {
            match file.read(&mut into[length..]) {
                // A regular file gives less than is asked for at its end only.
                Ok(read) if length + read < into.len() => return Ok(Some(&into[..length + read])),
                Ok(0) => return Ok(Some(&into[..length])),
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error("reading", name, error)),
            }
        }
    }

    /// Makes a file with this content, unless there is one of this name: then false. The file appears
    /// complete, with mode 0600, also after a crash of the system: its content is on the disk before it
    /// has its name. Of several makers one wins.
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
        let error = |cause: Cause| self.error("making", name, cause);
        let (private, mut file) = self.make_private().map_err(|errno| error(errno.into()))?;
        let linked = fill(&mut file).and_then(|()| self.link(&private, name));
        let _ = unlinkat(&self.descriptor, &*private, AtFlags::empty());
        linked.map_err(error)
    }

    /// Gives a small file this content, with mode 0600, whether or not there is one of this name: who
    /// opens the name finds the old content or the new, also after a crash. A link in the place of the
    /// file is replaced, not followed. When this returns, the content and the name are on the disk.
    ///
    /// # Errors
    ///
    /// [`Error`] of the system; then the old content is still there, unless the last step failed,
    /// which makes the new name lasting.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let error = |cause: Cause| self.error("replacing", name, cause);
        let (private, mut file) = self.make_private().map_err(|errno| error(errno.into()))?;
        let mut put = || -> Result<(), Cause> {
            file.write_all(content)?;
            file.sync_all()?;
            Ok(renameat(&self.descriptor, &*private, &self.descriptor, name)?)
        };
        if let Err(cause) = put() {
            let _ = unlinkat(&self.descriptor, &*private, AtFlags::empty());
            return Err(error(cause));
        }
        self.sync()
    }

    /// A new file with a private name, which is unique in this process; a file that a dead process of
    /// the same number left behind is skipped.
    fn make_private(&self) -> Result<(FileName, File), Errno> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        loop {
            // ORDER: Relaxed. Only each number once matters.
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let mut private = FileName::new();
            let written = write!(private, ".{}.{serial}.new", std::process::id());
            debug_assert!(written.is_ok(), "two numbers are shorter than a name");
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&self.descriptor, &*private, flags, FILE_MODE) {
                Ok(descriptor) => return Ok((private, File::from(descriptor))),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Gives a finished file its public name; false if the name is taken.
    fn link(&self, private: &str, name: &str) -> Result<bool, Cause> {
        match linkat(&self.descriptor, private, &self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // File systems without hard links.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::MLINK | Errno::NOSYS) => {
                self.rename_new(private, name)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Renames without replacing.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn rename_new(&self, private: &str, name: &str) -> Result<bool, Cause> {
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(&self.descriptor, private, &self.descriptor, name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// This system cannot rename without replacing: say so instead of replacing a file in use.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    fn rename_new(&self, _: &str, _: &str) -> Result<bool, Cause> {
        Err(Errno::OPNOTSUPP.into())
    }

    /// Opens a regular file; `None` if there is none of this name.
    pub(crate) fn open_regular(&self, name: &str, access: OFlags) -> Result<Option<File>, Error> {
        let Some(file) = self.open_any(name, access)? else { return Ok(None) };
        self.regular_status(&file, name)?;
        Ok(Some(file))
    }

    /// Opens what is at a name and is no link; `None` if there is nothing.
    pub(crate) fn open_any(&self, name: &str, access: OFlags) -> Result<Option<File>, Error> {
        // NONBLOCK: a pipe or device in the place of a file must not make us wait.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(File::from(descriptor))),
            Err(Errno::NOENT) => Ok(None),
            // A directory or a device without a driver.
            Err(Errno::ISDIR | Errno::NXIO) => Err(self.error("opening", name, Cause::NotAFile)),
            Err(errno) => Err(self.error("opening", name, errno)),
        }
    }

    /// The status of an open file, which must be a regular one.
    pub(crate) fn regular_status(&self, file: &File, name: &str) -> Result<Stat, Error> {
        let status = fstat(file).map_err(|errno| self.error("opening", name, errno))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(self.error("opening", name, Cause::NotAFile));
        }
        Ok(status)
    }

    /// Device and inode of what the name leads to; `None` if it leads nowhere.
    pub(crate) fn identity(&self, name: &str) -> Result<Option<(u64, u64)>, Errno> {
        match rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(Some(identity(&status))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

/// Device and inode.
#[allow(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub(crate) fn identity(status: &rustix::fs::Stat) -> (u64, u64) {
    (status.st_dev as u64, status.st_ino as u64)
}
