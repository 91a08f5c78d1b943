//! One count file of one program, open for counting.

use std::fmt;
use std::path::PathBuf;

use tallymark_core::{
    CounterFile, Day, ErrorKind, Fault, FileError, Name, Slot, format::header::MetadataError,
};

use crate::base::{Base, week_end};
use crate::platform::{DEFAULT_CAPACITY, Error, MappedFile};
use crate::{Program, UnixTime};

/// The count file of a program for the week that holds a moment.
///
/// Many processes may have it open at once, Go's among them. Threads share it by reference.
#[derive(Debug)]
pub struct CountFile {
    file: CounterFile<MappedFile>,
    time_begin: Day,
    time_end: Day,
}

/// Why a count file could not be opened.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "an error of the platform is made without allocating")]
pub enum OpenError {
    /// The operating system, or what stands in the place of the file.
    Platform(Error),
    /// The program's values cannot be written as metadata.
    Metadata(MetadataError),
    /// The moment is outside the years 1 to 9999.
    Time(UnixTime),
    /// The file that says on which day weeks end is empty.
    Weekends(PathBuf),
}

/// Why a counter could not be found or made.
#[derive(Debug)]
pub struct SlotError(FileError<Error>);

impl CountFile {
    /// Opens the file for the week that holds `now`, and makes it and its directories if they are
    /// missing.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; of kind [`ErrorKind::Damaged`] if the file is there and belongs to a program
    /// with the same base name and other values.
    pub fn open(base: &Base, program: &Program, now: UnixTime) -> Result<Self, OpenError> {
        CountFile::open_with_capacity(base, program, now, DEFAULT_CAPACITY)
    }

    /// As [`CountFile::open`]; the file cannot become longer than `capacity` bytes (default 64 MiB),
    /// for which address space is reserved.
    ///
    /// # Errors
    ///
    /// As [`CountFile::open`].
    pub fn open_with_capacity(
        base: &Base,
        program: &Program,
        now: UnixTime,
        capacity: u32,
    ) -> Result<Self, OpenError> {
        // What cannot be written is refused before a directory is made for it.
        program.metadata(Day::FIRST, Day::LAST).encode().map_err(OpenError::Metadata)?;
        let time_begin = Day::from_unix(now.0).ok_or(OpenError::Time(now))?;
        let local = base.open_local().map_err(OpenError::Platform)?;
        let weekends = || OpenError::Weekends(base.local().join("weekends"));
        let week_end = week_end(&local).map_err(OpenError::Platform)?.ok_or_else(weekends)?;
        let time_end = time_begin.span_end(week_end).ok_or(OpenError::Time(now))?;
        let metadata = program.metadata(time_begin, time_end);
        let header = metadata.encode().map_err(OpenError::Metadata)?;
        let name = metadata.file_name().to_string();
        let store = MappedFile::open(&local, &name, &header, capacity).map_err(OpenError::Platform)?;
        Ok(CountFile { file: CounterFile::new(store, header), time_begin, time_end })
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.store().path()
    }

    /// The first day of its counts.
    #[must_use]
    pub fn time_begin(&self) -> Day {
        self.time_begin
    }

    /// The day at whose midnight its counts end.
    #[must_use]
    pub fn time_end(&self) -> Day {
        self.time_end
    }

    /// Finds the counter of a name, or makes it with value 0.
    ///
    /// # Errors
    ///
    /// [`SlotError`]. After one of kind [`ErrorKind::NoSpace`] a later call may succeed; after
    /// [`ErrorKind::Moved`] or [`ErrorKind::CutShort`] open the file again.
    pub fn slot(&self, name: &Name<'_>) -> Result<Slot, SlotError> {
        self.file.slot(name).map_err(SlotError)
    }

    /// Adds `n` to a counter of this file, stopping at `u64::MAX`.
    ///
    /// # Panics
    ///
    /// If `slot` is of another, longer file.
    #[inline]
    pub fn add(&self, slot: Slot, n: u64) {
        self.file.add(slot, n).expect("the slot is of this file");
    }

    /// The value of a counter of this file.
    ///
    /// # Panics
    ///
    /// If `slot` is of another, longer file.
    #[must_use]
    pub fn value(&self, slot: Slot) -> u64 {
        self.file.value(slot).expect("the slot is of this file")
    }

    /// Checks that the file is still the one under its name and as long as it was.
    ///
    /// # Errors
    ///
    /// An error of kind [`ErrorKind::Moved`] or [`ErrorKind::CutShort`]: open the file again.
    pub fn check(&self) -> Result<(), Error> {
        self.file.store().check()
    }
}

impl OpenError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            OpenError::Platform(error) => error.kind(),
            OpenError::Weekends(_) => ErrorKind::Damaged,
            OpenError::Metadata(_) | OpenError::Time(_) => ErrorKind::Other,
        }
    }
}

impl SlotError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.0 {
            FileError::Fault(_) => ErrorKind::Damaged,
            FileError::Store(error) => error.kind(),
        }
    }

    /// The broken rule, for [`ErrorKind::Damaged`].
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match &self.0 {
            FileError::Fault(fault) => Some(*fault),
            FileError::Store(error) => error.fault(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Platform(error) => error.fmt(f),
            OpenError::Metadata(error) => error.fmt(f),
            OpenError::Time(UnixTime(seconds)) => {
                write!(f, "the time {seconds} s after 1970-01-01 is outside the years 1 to 9999")
            }
            OpenError::Weekends(path) => write!(f, "{} is empty; it holds one digit, 0 to 6", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenError::Platform(error)
    }
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SlotError {}
