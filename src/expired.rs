//! Count files whose days are over: which they are, and who may deal with them.

use std::fmt;
#[cfg(any(feature = "report", test))]
use std::hash::{BuildHasher, RandomState};

use tallymark_core::calendar::DAY_SECONDS;
use tallymark_core::format::preamble::Preamble;
use tallymark_core::{Bytes, Day, ErrorKind, Fault};

use crate::base::COUNT_FILE_SUFFIX;
use crate::platform::{Directory, Error, Exclusive};
use crate::{Contents, UnixTime, UnknownProgram};

/// The lock of whoever deals with expired files. It is never removed.
const LOCK: &str = ".report.lock";

/// What the name of a count file ends with from the moment its counts are about to go into a report.
/// It has a name of its own then, which no other file ever has: who knows the name knows the file.
const CLAIMED_SUFFIX: &str = ".merging";

/// More than the longest header.
const HEADER_MAX: usize = 1024;

/// Why nothing was done in a directory.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The mode is off.
    Off,
    /// Another process makes reports or cleans here.
    Busy,
    /// The moment is outside the years 1 to 9999.
    Time(UnixTime),
    /// The operating system, or what stands in the place of a directory or file.
    Platform(Box<Error>),
}

/// Why a file was left where it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeftReason {
    /// Another process counts into it, or holds it otherwise.
    InUse,
    /// It has no header of a count file.
    NoHeader(Fault),
    /// The header does not say whose counts these are, or of which days.
    UnknownProgram,
    /// It is damaged, and has no counts that could be salvaged: this many faults.
    NothingSalvaged(usize),
    /// It is the report of its week and cannot be read, so that nothing can be added to it.
    NoReport(String),
    /// The operating system.
    Platform(Box<Error>),
}

/// What the header of a count file says of its days.
#[derive(Debug)]
pub(crate) enum Days {
    /// They end at the midnight that begins this day.
    End(Day),
    /// It does not say; or there is no header.
    Unknown(Option<Fault>),
}

/// Waits for nobody: the lock, or [`DirectoryError::Busy`].
pub(crate) fn lock(local: &Directory) -> Result<Exclusive<'_>, DirectoryError> {
    local.make(LOCK, b"")?;
    local.take_exclusive(LOCK)?.ok_or(DirectoryError::Busy)
}

/// Whether a name is that of a count file, or of one whose counts are about to go into a report.
pub(crate) fn is_count_file(name: &str) -> bool {
    name.ends_with(COUNT_FILE_SUFFIX) || is_claimed(name)
}

/// Whether a name is that of a file whose counts are about to go into a report.
pub(crate) fn is_claimed(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(CLAIMED_SUFFIX)
}

/// A name that no file has had: 64 random bits.
#[cfg(any(feature = "report", test))]
pub(crate) fn claimed_name() -> String {
    format!(".{:016x}{CLAIMED_SUFFIX}", RandomState::new().hash_one(CLAIMED_SUFFIX))
}

/// Reads the days of a file; `None` if it is gone.
pub(crate) fn days(local: &Directory, name: &str) -> Result<Option<Days>, Error> {
    let mut start = [0; HEADER_MAX];
    let Some(start) = local.read(name, &mut start)? else { return Ok(None) };
    Ok(Some(match Preamble::read(&Bytes(start)) {
        Ok(preamble) => preamble.day("TimeEnd").map_or(Days::Unknown(None), Days::End),
        Err(fault) => Days::Unknown(Some(fault)),
    }))
}

/// Whether a file could still be current, as far as its name tells: its first day is not a week past.
/// Such a one may be without a header because it is only being made.
pub(crate) fn may_be_current(name: &str, today: Day) -> bool {
    let day = name.strip_suffix(COUNT_FILE_SUFFIX).and_then(|stem| stem.get(stem.len().checked_sub(10)?..));
    day.and_then(Day::parse).is_some_and(|begin| begin.unix() + 7 * DAY_SECONDS > today.unix())
}

/// Takes a file and reads it; `None` if it is gone meanwhile.
pub(crate) fn take<'d>(
    local: &'d Directory,
    name: &str,
) -> Result<Option<(Exclusive<'d>, Contents)>, LeftReason> {
    let exclusive = match local.take_exclusive(name) {
        Ok(Some(exclusive)) => exclusive,
        Ok(None) => return Err(LeftReason::InUse),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Go's processes lock nothing, and may be counting.
    let contents = Contents::settled(|| Ok::<_, LeftReason>(exclusive.read()?))?;
    Ok(Some((exclusive, contents)))
}

impl From<Error> for DirectoryError {
    fn from(error: Error) -> Self {
        DirectoryError::Platform(Box::new(error))
    }
}

impl From<Error> for LeftReason {
    fn from(error: Error) -> Self {
        LeftReason::Platform(Box::new(error))
    }
}

impl From<Fault> for LeftReason {
    fn from(fault: Fault) -> Self {
        LeftReason::NoHeader(fault)
    }
}

impl From<UnknownProgram> for LeftReason {
    fn from(_: UnknownProgram) -> Self {
        LeftReason::UnknownProgram
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectoryError::Off => f.write_str("the mode is off"),
            DirectoryError::Busy => f.write_str("another process makes reports or cleans there"),
            DirectoryError::Time(UnixTime(seconds)) => {
                write!(f, "the time {seconds} s after 1970-01-01 is outside the years 1 to 9999")
            }
            DirectoryError::Platform(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DirectoryError {}

impl fmt::Display for LeftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftReason::InUse => f.write_str("in use by a process"),
            LeftReason::NoHeader(fault) => write!(f, "no counter file: {fault}"),
            LeftReason::UnknownProgram => UnknownProgram.fmt(f),
            LeftReason::NothingSalvaged(faults) => {
                write!(f, "damaged, without a count that could be salvaged: {faults} faults")
            }
            LeftReason::NoReport(what) => write!(f, "its week's counts stay in their files: {what}"),
            LeftReason::Platform(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_week_ago_passes_for_current() {
        let today = Day::from_civil(2026, 1, 12).unwrap();
        for (name, current) in [
            ("tool-go1-linux-amd64-2026-01-05.v1.count", false),
            ("tool-go1-linux-amd64-2026-01-06.v1.count", true),
            ("2026-01-06.v1.count", true),
            ("6.v1.count", false),
            ("tool.v1.count", false),
            ("äöüäöüä.v1.count", false),
            ("2026-01-06", false),
        ] {
            assert_eq!(may_be_current(name, today), current, "{name}");
        }
        assert!(is_claimed(&claimed_name()) && is_count_file(&claimed_name()));
        assert_ne!(claimed_name(), claimed_name());
    }
}
