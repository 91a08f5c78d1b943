//! What making reports came to.

use std::path::PathBuf;

use tallymark_core::{Day, Fault};

use crate::LeftReason;

/// What making the reports of a directory came to; of a dry run, what it would have.
#[derive(Debug, Default)]
pub struct Reports {
    /// The reports that were made or extended, by week.
    pub weeks: Vec<WeekReport>,
    /// Count files that were removed because nothing was ever counted into them.
    pub empty: Vec<PathBuf>,
    /// Files that were left, and why. A file whose days are not over is not here.
    pub left: Vec<Left>,
}

/// The report of one week.
#[derive(Debug)]
pub struct WeekReport {
    /// The day on which the counts end.
    pub week: Day,
    /// The report.
    pub path: PathBuf,
    /// Whether the report was there already.
    pub extended: bool,
    /// The count files that went into it, and that were removed if they are not among those left.
    pub files: Vec<MergedFile>,
}

/// A count file that went into a report.
#[derive(Debug)]
pub struct MergedFile {
    /// Its path.
    pub path: PathBuf,
    /// How many counters were added from it.
    pub counters: usize,
    /// The sum of the counts that were added, at most `u64::MAX`.
    pub total: u64,
    /// Its damage. Only what was salvaged went into the report.
    pub faults: Vec<Fault>,
}

/// A file that was left.
#[derive(Debug)]
pub struct Left {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub reason: LeftReason,
}
