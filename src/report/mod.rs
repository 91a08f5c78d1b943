//! Weekly reports: the sums of all count files that ended on one day, as a JSON file.
//!
//! Format document, section 6. A report is for reading on this machine. Nothing is ever sent, and
//! nothing is put where Go's toolchain would send it from.

mod make;
mod outcome;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use tallymark_core::Day;

pub use outcome::{Left, MergedFile, Reports, WeekReport};

use crate::{Counts, Program, Totals};

/// The report of a week, as Go's toolchain writes and reads it.
///
/// Counts stop at `i64::MAX`, the most that Go's reader takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Report {
    /// The day on which the counts end, `YYYY-MM-DD`.
    pub week: String,
    /// The latest earlier week with a report here, or empty. (In Go, with an uploaded report.)
    pub last_week: String,
    /// A number from 0 to 1 (never 1 itself), drawn once for the report.
    pub x: f64,
    /// The sums of each program.
    #[serde(deserialize_with = "nullable")]
    pub programs: Vec<ProgramReport>,
    /// Version of the configuration for uploads: empty, as there is none. What Go wrote is kept.
    pub config: String,
    /// Files that have been added and may not be removed yet. Empty except after a crash.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    merging: Vec<Merging>,
}

/// The sums of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ProgramReport {
    /// Path of the program.
    pub program: String,
    /// Version of the program; may be empty.
    pub version: String,
    /// Version of the toolchain that built it.
    #[serde(rename = "GoVersion")]
    pub toolchain: String,
    /// Operating system.
    #[serde(rename = "GOOS")]
    pub os: String,
    /// Architecture.
    #[serde(rename = "GOARCH")]
    pub arch: String,
    /// Plain counters, by name.
    #[serde(deserialize_with = "sums")]
    pub counters: BTreeMap<String, i64>,
    /// Stack counters, by decoded name.
    #[serde(deserialize_with = "sums")]
    pub stacks: BTreeMap<String, i64>,
}

/// A file whose counts are in the report: what they were when they were added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Merging {
    file: String,
    counted: ProgramReport,
}

/// Bytes that are no report.
#[derive(Debug)]
pub struct ReportError(serde_json::Error);

impl Report {
    /// A report of no counts yet.
    #[must_use]
    pub fn new(week: Day, last_week: Option<Day>, x: f64) -> Self {
        let last_week = last_week.map_or(String::new(), |day| day.to_string());
        Report { week: week.to_string(), last_week, x, ..Report::default() }
    }

    /// Reads a report. Missing fields are empty, unknown ones are ignored.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: what is wrong, and where.
    pub fn from_json(text: &[u8]) -> Result<Self, ReportError> {
        serde_json::from_slice(text).map_err(ReportError)
    }

    /// The report as text, laid out as Go does.
    ///
    /// # Panics
    ///
    /// Never: a value of this type has only what JSON can say, as long as `x` is a number.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        let layout = serde_json::ser::PrettyFormatter::with_indent(b" ");
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, layout))
            .expect("strings, numbers and maps with strings as keys");
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    /// Adds sums of files.
    pub fn add(&mut self, totals: &Totals) {
        for (program, counts) in totals.programs() {
            self.add_program(&ProgramReport::new(program, counts));
        }
    }

    fn add_program(&mut self, more: &ProgramReport) {
        if more.is_empty() {
            return;
        }
        match self.programs.iter_mut().find(|program| program.key() == more.key()) {
            Some(program) => {
                add(&mut program.counters, &more.counters);
                add(&mut program.stacks, &more.stacks);
            }
            None => self.programs.push(more.clone()),
        }
    }
}

impl ProgramReport {
    fn new(program: &Program, counts: &Counts) -> Self {
        ProgramReport {
            program: program.path.clone(),
            version: program.version.clone(),
            toolchain: program.toolchain.clone(),
            os: program.os.clone(),
            arch: program.arch.clone(),
            counters: texts(&counts.counters),
            stacks: texts(&counts.stacks),
        }
    }

    fn key(&self) -> [&str; 5] {
        [&self.program, &self.version, &self.toolchain, &self.os, &self.arch]
    }

    fn is_empty(&self) -> bool {
        self.counters.is_empty() && self.stacks.is_empty()
    }

    /// What has been counted since `earlier` was.
    fn since(&self, earlier: &ProgramReport) -> ProgramReport {
        ProgramReport {
            counters: since(&self.counters, &earlier.counters),
            stacks: since(&self.stacks, &earlier.stacks),
            ..self.clone()
        }
    }

    /// The sum of all counts.
    fn total(&self) -> u64 {
        let values = self.counters.values().chain(self.stacks.values());
        values.fold(0, |sum, value| sum.saturating_add(value.unsigned_abs()))
    }
}

fn add(sums: &mut BTreeMap<String, i64>, more: &BTreeMap<String, i64>) {
    for (name, value) in more {
        let sum = sums.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*value);
    }
}

fn since(sums: &BTreeMap<String, i64>, earlier: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let more = |(name, value): (&String, &i64)| {
        let more = value - earlier.get(name).copied().unwrap_or(0).min(*value);
        (more > 0).then(|| (name.clone(), more))
    };
    sums.iter().filter_map(more).collect()
}

/// Names as JSON can say them: what is not UTF-8 is replaced, as Go does.
fn texts(sums: &BTreeMap<Vec<u8>, u64>) -> BTreeMap<String, i64> {
    let mut texts = BTreeMap::<String, i64>::new();
    for (name, value) in sums {
        let sum = texts.entry(String::from_utf8_lossy(name).into_owned()).or_default();
        *sum = sum.saturating_add(i64::try_from(*value).unwrap_or(i64::MAX));
    }
    texts
}

/// A list, or `null`, which is Go's empty list.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Sums, or `null`. Go's wrap where a count passes `i64::MAX`: what is negative was more than that.
fn sums<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, i64>, D::Error> {
    let mut sums: BTreeMap<String, i64> = Option::deserialize(from)?.unwrap_or_default();
    sums.values_mut().filter(|sum| **sum < 0).for_each(|sum| *sum = i64::MAX);
    Ok(sums)
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no report: {}", self.0)
    }
}

impl std::error::Error for ReportError {}

#[cfg(test)]
mod tests;
