//! A counter file mapped into a reserved range of addresses.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{FlockOperation, OFlags, Stat, flock, fstat};
use rustix::io::Errno;
use tallymark_core::format::layout::{FILE_MIN, HEADER_MAX, MAGIC, PAGE};
use tallymark_core::{Fault, Header, Mapped, ReadWords, Rule, Store};

use crate::allocate::{allocate, lengthen};
use crate::cuts::Guarded;
use crate::directory::{Directory, identity};
use crate::error::{Cause, Error, FileName, file_name};

/// Address range reserved for a file unless set otherwise, and the length it cannot pass: 64 MiB.
pub const DEFAULT_CAPACITY: u32 = 64 << 20;
/// The greatest range that can be set: 1 GiB.
pub const MAX_CAPACITY: u32 = 1 << 30;

/// Where the first record of a file can be at most.
const FIRST_RECORD_MAX: usize = HEADER_MAX as usize + 2080;

/// A counter file, open and mapped.
///
/// The mapping covers `capacity` bytes from the start and is never moved; the part that is file can
/// be touched. It is unmapped when the value is dropped, which borrows of its memory prevent;
/// [`LastingFile`](crate::LastingFile) is one that stays mapped.
///
/// While a process has the file open, it is in use: it holds a shared `flock`, which ends when the value,
/// and its copies in the children after `fork`, are gone. Who removes the file, such as a report, asks for an exclusive one first.
///
/// Invariants: (F1) `memory` covers exactly the range of the mapping; (F2) its length is a multiple of
/// 16384 and at most the length the file had at some time, and all of it has blocks where the file
/// system can allocate.
#[derive(Debug)]
pub struct MappedFile {
    memory: Mapped<'static>,
    /// Dropped before the mapping: once that is gone, its addresses may be somebody else's, whose faults
    /// are not ours. Kept if it is kept.
    guarded: Option<Guarded>,
    /// Dropped after `memory`. `None`: it is never unmapped.
    mapping: Option<MmapRaw>,
    file: File,
    directory: Arc<Directory>,
    name: FileName,
    identity: (u64, u64),
}

impl MappedFile {
    /// Opens the counter file `name`, or makes it, and checks that it has exactly this header. Does
    /// not allocate.
    ///
    /// `capacity` is the length in bytes that the file cannot pass; it is raised to a multiple of
    /// 16384 and kept in `16384..=`[`MAX_CAPACITY`]. A smaller range is taken if the process has too
    /// little address space.
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
        MappedFile::open_as(directory, name, header, capacity, false)
    }

    /// As [`MappedFile::open`]; one that lasts is mapped by a descriptor of its own, so that the mapping
    /// does not keep it in use.
    pub(crate) fn open_as(
        directory: &Arc<Directory>,
        name: &str,
        header: &Header,
        capacity: u32,
        lasting: bool,
    ) -> Result<Self, Error> {
        let (file, mut status) = open_or_make(directory, name, header)?;
        let error = |cause: Cause| directory.error("opening", name, cause);
        if status.st_size < FILE_MIN.into() {
            complete(&file, header).map_err(error)?;
            status = directory.regular_status(&file, name)?;
        }
        let identity = identity(&status);
        let capacity = capacity.clamp(PAGE, MAX_CAPACITY).next_multiple_of(PAGE);
        let length = usable_length(status.st_size as u64, capacity).map_err(error)?;
        let (mapping, capacity) = if lasting {
            map(directory, name, identity, length, capacity)?
        } else {
            reserve(&file, length, capacity).map_err(error)?
        };
        let base = NonNull::new(mapping.as_mut_ptr()).ok_or_else(|| error(Errno::NOMEM.into()))?;
        // SAFETY: the mapping is `capacity` bytes long and lives as long as the value (F1); its first
        // `length` bytes are file (F2); it is reached through `Mapped` only.
        let memory = unsafe { Mapped::from_raw_parts(base, 0, capacity) };
        let memory = memory.map_err(|_| error(Errno::INVAL.into()))?;
        let mapped = MappedFile {
            memory,
            guarded: Guarded::new(base.addr().get(), capacity as usize),
            mapping: Some(mapping),
            file,
            directory: Arc::clone(directory),
            name: file_name(name),
            identity,
        };
        // A file with as many blocks as it is long has no holes to give blocks to.
        if (status.st_blocks as u64).saturating_mul(512) < length.into() {
            allocate(&mapped.file, &(0..length.into())).map_err(|errno| error(errno.into()))?;
        }
        // SAFETY: the file is at least `length` bytes long, and the mapping covers it (F1, F2).
        unsafe { mapped.memory.lengthen(length) };
        if header.check(&mapped.memory).is_err() {
            // A file of zeros can be completed; any other fault stays.
            complete(&mapped.file, header).map_err(error)?;
            header.check(&mapped.memory).map_err(|fault| error(fault.into()))?;
        }
        Ok(mapped)
    }

    /// Keeps the file mapped for ever.
    pub(crate) fn keep_mapped(&mut self) {
        std::mem::forget(self.mapping.take());
    }

    /// Gives up what is behind the first `length` bytes; those stay guarded for ever.
    pub(crate) fn keep_guarded(&mut self, length: usize) {
        if let Some(guarded) = self.guarded.take() {
            guarded.keep(length);
            std::mem::forget(guarded);
        }
    }

    /// The path of the file when it was opened.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(&*self.name)
    }

    /// Checks that the file is still the one under its name and as long as it was.
    ///
    /// A file that was cut short is made long again first, filled with zeros, so that counting into
    /// it cannot kill the process.
    ///
    /// # Errors
    ///
    /// [`Error`] of kind `Moved` or `CutShort`; then open it again: counts made meanwhile are in the
    /// old file, if anywhere.
    pub fn check(&self) -> Result<(), Error> {
        self.checked_length().map(drop).map_err(|cause| self.error("checking", cause))
    }

    fn error(&self, operation: &'static str, cause: impl Into<Cause>) -> Error {
        self.directory.error(operation, &self.name, cause)
    }

    /// The length of the file in bytes, once it is known to be in its place and not cut.
    fn checked_length(&self) -> Result<u64, Cause> {
        // In this order: another thread may make both longer in between.
        let mapped = self.memory.length();
        let length = fstat(&self.file)?.st_size as u64;
        if length < mapped.into() || self.was_cut() {
            make_long(&self.file, &(0..mapped.into()))?;
            return Err(Cause::CutShort { length, mapped });
        }
        if self.directory.identity(&self.name)? != Some(self.identity) {
            return Err(Cause::Moved);
        }
        Ok(length)
    }

    /// Whether the file was cut and somebody made it long again: its beginning, or a page that was
    /// replaced meanwhile, says so.
    fn was_cut(&self) -> bool {
        let first = u32::from_ne_bytes(MAGIC[..4].try_into().unwrap_or_default());
        // ORDER: Relaxed. Nothing is read through it.
        self.memory.load32(0, Ordering::Relaxed) != Ok(first)
            || self.guarded.as_ref().is_some_and(Guarded::is_replaced)
    }

    /// Takes the first `length` bytes into the memory; the file is that long already. Pages that
    /// another process has made may have no blocks yet: Go leaves them so.
    fn take_in(&self, length: u32) -> Result<(), Cause> {
        let mapped = self.memory.length();
        if length > mapped {
            allocate(&self.file, &(mapped.into()..length.into()))?;
        }
        // SAFETY: the file is at least `length` bytes long, and the mapping covers it (F1, F2).
        unsafe { self.memory.lengthen(length) };
        Ok(())
    }
}

impl Store for MappedFile {
    type Words = Mapped<'static>;
    type Error = Error;

    fn words(&self) -> &Mapped<'static> {
        &self.memory
    }

    fn grow(&self, to: u32) -> Result<(), Error> {
        let grow = || {
            let length = self.checked_length()?;
            let capacity = self.memory.capacity();
            if to > capacity {
                return Err(Cause::TooLong { need: to.into(), capacity });
            }
            let target = usable_length(length.max(to.into()), capacity)?;
            make_long(&self.file, &(self.memory.length().into()..target.into()))?;
            self.take_in(target)
        };
        grow().map_err(|cause| self.error("growing", cause))
    }

    fn remap(&self) -> Result<(), Error> {
        let remap = || {
            let length = self.checked_length()?;
            self.take_in(usable_length(length, self.memory.capacity())?)
        };
        remap().map_err(|cause| self.error("mapping", cause))
    }
}

/// Opens a file or makes it, and marks it as in use; of several makers all end on one file. Returns
/// its status too. Bound: a file that is deleted each time it has appeared is given up after 16
/// tries.
fn open_or_make(directory: &Directory, name: &str, header: &Header) -> Result<(File, Stat), Error> {
    for _ in 0..16 {
        if let Some(file) = directory.open_any(name, OFlags::RDWR)? {
            // Other errors: a file system without locks. Then nobody asks for an exclusive one either.
            if flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK) {
                return Err(directory.error("opening", name, Cause::InUse));
            }
            let status = directory.regular_status(&file, name)?;
            // It may have been removed before it was marked.
            if status.st_nlink > 0 {
                return Ok((file, status));
            }
            continue;
        }
        directory.make_with(name, |file| {
            make_long(file, &(0..FILE_MIN.into()))?;
            Ok(file.write_all(header.bytes())?)
        })?;
    }
    Err(directory.error("opening", name, Cause::Moved))
}

/// Maps a file by a descriptor of its own.
fn map(
    directory: &Directory,
    name: &str,
    expected: (u64, u64),
    length: u32,
    capacity: u32,
) -> Result<(MmapRaw, u32), Error> {
    let error = |cause: Cause| directory.error("opening", name, cause);
    let file = directory.open_any(name, OFlags::RDWR)?.ok_or_else(|| error(Cause::Moved))?;
    let status = fstat(&file).map_err(|errno| error(errno.into()))?;
    if identity(&status) != expected {
        return Err(error(Cause::Moved));
    }
    reserve(&file, length, capacity).map_err(error)
}

/// Finishes a file that another process (a Go one) has begun to make: it writes the header and the
/// length in two steps, and may have died in between. A file of zeros, which is what is left of one
/// that was cut to nothing, is begun anew. A file with other content is left alone.
fn complete(file: &File, header: &Header) -> Result<(), Cause> {
    let length = fstat(file)?.st_size as u64;
    let mut found = [0; FIRST_RECORD_MAX];
    let found = &mut found[..header.layout().first_record().min(length.min(FILE_MIN.into()) as u32) as usize];
    file.read_exact_at(found, 0)?;
    let blank = found.iter().all(|&byte| byte == 0);
    if length >= FILE_MIN.into() && !blank {
        return Ok(());
    }
    let begun = header.bytes().iter().zip(&*found).all(|(expected, found)| expected == found);
    if !begun && !blank {
        return Err(Fault { offset: 0, value: length, rule: Rule::FileLength }.into());
    }
    file.write_all_at(header.bytes(), 0)?;
    make_long(file, &(0..FILE_MIN.into()))
}

/// Gives blocks to a range of a file and makes the file as long as its end, if it is shorter.
///
/// The blocks come first and the length second, so that a disk that fills up in between leaves the
/// length as it was.
fn make_long(file: &File, range: &Range<u64>) -> Result<(), Cause> {
    if !range.is_empty() {
        allocate(file, range)?;
        lengthen(file, range)?;
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

/// Maps the file over `capacity` bytes, or over less where the address space is short.
fn reserve(file: &File, length: u32, capacity: u32) -> Result<(MmapRaw, u32), Cause> {
    let mut capacity = capacity;
    loop {
        match MmapOptions::new().len(capacity as usize).map_raw(file) {
            Ok(mapping) => return Ok((mapping, capacity)),
            Err(error) if error.raw_os_error() != Some(Errno::NOMEM.raw_os_error()) => {
                return Err(error.into());
            }
            Err(error) if capacity <= length.max(PAGE) => return Err(error.into()),
            Err(_) => capacity = (capacity / 2).next_multiple_of(PAGE).max(length),
        }
    }
}

/// Makes a file `length` bytes long by writing zeros to its last 4 bytes, as Go does: no record ever
/// lies there. Unlike `ftruncate` this cannot shorten a file that another process has just grown.
pub(crate) fn extend_sparse(file: &File, length: u64) -> Result<(), Errno> {
    if fstat(file)?.st_size as u64 >= length {
        return Ok(());
    }
    file.write_all_at(&[0; 4], length - 4).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
