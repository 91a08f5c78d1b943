//! A counter file mapped in chunks.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use tallymark_core::format::layout::{FILE_MIN, PAGE};
use tallymark_core::{Fault, Header, ReadWords, Rule, Store};

use crate::chunks::ChunkedMemory;
use crate::directory::{Directory, identity};
use crate::error::{Cause, Error};

/// The length that a file cannot pass unless set otherwise: 64 MiB.
pub const DEFAULT_CAPACITY: u32 = 64 << 20;
/// The greatest length that can be set: 1 GiB.
pub const MAX_CAPACITY: u32 = 1 << 30;

/// A counter file, open and mapped.
///
/// Its views stay where they are until the value is dropped, which borrows of its memory prevent: a
/// program whose handles live until its end leaks it on purpose.
#[derive(Debug)]
pub struct MappedFile {
    memory: ChunkedMemory,
    file: File,
    directory: Arc<Directory>,
    name: String,
    identity: (u32, u64),
}

impl MappedFile {
    /// Opens the counter file `name`, or makes it, and checks that it has exactly this header.
    ///
    /// `capacity` is the length in bytes that the file cannot pass; it is raised to a multiple of
    /// 65536 and kept in `65536..=`[`MAX_CAPACITY`]. Addresses are taken for what is file only.
    ///
    /// # Errors
    ///
    /// [`Error`]; of kind `Damaged` with [`Rule::HeaderMatches`] if the file belongs to another
    /// program or another version of the same base name.
    pub fn open(
        directory: &Arc<Directory>,
        name: &str,
        header: &Header,
        capacity: u32,
    ) -> Result<Self, Error> {
        let path = directory.path().join(name);
        let file = open_or_make(directory, name, header)?;
        let error = |cause: Cause| Error::new("opening", &path, cause);
        complete(&file, header).map_err(error)?;
        let mapped = MappedFile {
            memory: ChunkedMemory::new(capacity.clamp(PAGE, MAX_CAPACITY)),
            identity: identity(&file).map_err(|cause| error(cause.into()))?,
            file,
            directory: Arc::clone(directory),
            name: name.to_owned(),
        };
        mapped.take_in().map_err(error)?;
        header.check(&mapped.memory).map_err(|fault| error(fault.into()))?;
        Ok(mapped)
    }

    /// The path of the file when it was opened.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Checks that the file is still the one under its name and as long as it was.
    ///
    /// A file that was cut short, which Windows itself refuses while it is mapped here, is made long
    /// again first, filled with zeros, so that counting into it cannot kill the process.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind `Moved` or `CutShort`; then open it again: counts made meanwhile are in the
    /// old file, if anywhere.
    pub fn check(&self) -> Result<(), Error> {
        self.checked_length().map(drop).map_err(|cause| self.error("checking", cause))
    }

    fn error(&self, operation: &'static str, cause: impl Into<Cause>) -> Error {
        Error::new(operation, &self.path(), cause)
    }

    /// The length of the file in bytes, once it is known to be in its place and not cut.
    fn checked_length(&self) -> Result<u64, Cause> {
        // In this order: another thread may make both longer in between.
        let mapped = self.memory.length();
        let length = self.file.metadata()?.len();
        if length < mapped.into() {
            extend(&self.file, mapped.into())?;
            return Err(Cause::CutShort { length, mapped });
        }
        if self.directory.identity(&self.name)? != Some(self.identity) {
            return Err(Cause::Moved);
        }
        Ok(length)
    }

    /// Maps all of the file.
    fn take_in(&self) -> Result<(), Cause> {
        let length = usable_length(self.file.metadata()?.len(), self.memory.capacity())?;
        Ok(self.memory.lengthen(&self.file, length)?)
    }
}

impl Store for MappedFile {
    type Words = ChunkedMemory;
    type Error = Error;

    fn words(&self) -> &ChunkedMemory {
        &self.memory
    }

    fn grow(&self, to: u32) -> Result<(), Error> {
        let grow = || {
            let length = self.checked_length()?;
            let capacity = self.memory.capacity();
            if to > capacity {
                return Err(Cause::TooLong { need: to.into(), capacity });
            }
            if length < to.into() {
                extend(&self.file, to.into())?;
            }
            self.take_in()
        };
        grow().map_err(|cause| self.error("growing", cause))
    }

    fn remap(&self) -> Result<(), Error> {
        let remap = || self.checked_length().and_then(|_| self.take_in());
        remap().map_err(|cause| self.error("mapping", cause))
    }
}

/// Opens a file or makes it; of several makers all end on one file. Bound: a file that is deleted
/// each time it has appeared is given up after 16 tries.
fn open_or_make(directory: &Directory, name: &str, header: &Header) -> Result<File, Error> {
    for _ in 0..16 {
        if let Some(file) = directory.open_regular(name, OpenOptions::new().read(true).write(true))? {
            return Ok(file);
        }
        directory.make_with(name, |file| {
            file.write_all(header.bytes())?;
            extend(file, FILE_MIN.into())
        })?;
    }
    Err(Error::new("opening", &directory.path().join(name), Cause::Moved))
}

/// Finishes a file that another process (a Go one) has begun to make: it writes the header and the
/// length in two steps, and may have died in between. A file of zeros, which is what is left of one
/// that was cut to nothing, is begun anew. A file with other content is left alone.
fn complete(file: &File, header: &Header) -> Result<(), Cause> {
    let length = file.metadata()?.len();
    let mut found = Vec::new();
    file.take(header.layout().first_record().min(FILE_MIN).into()).read_to_end(&mut found)?;
    let blank = found.iter().all(|&byte| byte == 0);
    if length >= FILE_MIN.into() && !blank {
        return Ok(());
    }
    let begun = header.bytes().iter().zip(&found).all(|(expected, found)| expected == found);
    if !begun && !blank {
        return Err(Fault { offset: 0, value: length, rule: Rule::FileLength }.into());
    }
    write_all_at(file, header.bytes(), 0)?;
    extend(file, FILE_MIN.into())
}

/// Makes a file `length` bytes long by writing zeros to its last 4 bytes, as Go does: no record ever
/// lies there. Unlike setting the length this cannot shorten a file that another process has just
/// grown.
fn extend(file: &File, length: u64) -> Result<(), Cause> {
    Ok(write_all_at(file, &[0; 4], length - 4)?)
}

fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// The part of a file of `length` bytes that can be used: whole pages of the format.
fn usable_length(length: u64, capacity: u32) -> Result<u32, Cause> {
    match u32::try_from(length) {
        Ok(length) if length <= capacity => Ok(length - length % PAGE),
        _ => Err(Cause::TooLong { need: length, capacity }),
    }
}

/// Windows refuses to cut a file that is mapped, so there is nothing to do. False: no handler is in
/// place.
pub fn survive_cuts() -> bool {
    false
}
