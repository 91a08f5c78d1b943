//! Making reports: each count once, whatever crashes in between.
//!
//! For each week: take the files, give each a name that no other file ever has, write the report with
//! the counts and the list of these files, remove the files, write the report without the list. After
//! a crash the list tells which of the files that are still there have been added, and how much of
//! them. All this is done by one process at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::mem;

use tallymark_core::{Day, ErrorKind};

use super::{Left, MergedFile, Merging, ProgramReport, Report, Reports, WeekReport};
use crate::contents::LENGTH_MAX;
use crate::expired::{self, Days, DirectoryError, LeftReason};
use crate::platform::{Directory, Error, Exclusive};
use crate::{Base, Contents, Mode, Totals, UnknownProgram};

/// How many files are open at once: far fewer than a process may have.
const FILES_AT_ONCE: usize = 128;

/// A moment at which tests let the process die.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A file has its new name.
    Claimed,
    /// The report is on the disk.
    Written,
    /// A file is removed.
    Removed,
    /// The list is taken out of the report.
    Cleared,
}

impl Base {
    /// Makes the reports of all weeks that are over by the day `today` begins, in UTC: adds the counts
    /// of their files to `local/local.YYYY-MM-DD.json` and removes the files. A dry run changes
    /// nothing.
    ///
    /// No count is dropped or added twice, also when the process is killed and this is called again.
    /// What comes late is added to the report that is there. Files that a tallymark process counts into
    /// are left for later; of damaged files, what can be salvaged is added.
    ///
    /// Go's processes lock nothing: what one counts into a file while or after it is read is lost, as
    /// when Go makes the report. Do not let this and Go's toolchain make reports in one directory: Go
    /// makes none for a week that has one, and removes the files.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`] if nothing could be done. What concerns single files is in [`Reports::left`].
    pub fn make_reports(&self, today: Day, dry_run: bool) -> Result<Reports, DirectoryError> {
        run(self, today, dry_run, &mut |_| ())
    }
}

pub(super) fn run(
    base: &Base,
    today: Day,
    dry_run: bool,
    at: &mut dyn FnMut(Step),
) -> Result<Reports, DirectoryError> {
    if base.mode()?.mode == Mode::Off {
        return Err(DirectoryError::Off);
    }
    let Some(local) = base.find_local()? else { return Ok(Reports::default()) };
    let _lock = if dry_run { None } else { Some(expired::lock(&local)?) };
    let names = local.names()?;
    let reports = names.iter().filter_map(|name| week_of(name)).collect();
    let present = names.iter().cloned().collect();
    let mut making = Making { local: &local, dry_run, at, reports, present, outcome: Reports::default() };
    for (week, names) in making.expired(&names, today) {
        making.week(week, &names);
    }
    Ok(making.outcome)
}

struct Making<'a> {
    local: &'a Directory,
    dry_run: bool,
    at: &'a mut dyn FnMut(Step),
    reports: BTreeSet<Day>,
    /// The names in the directory at the start, and those given since.
    present: BTreeSet<String>,
    outcome: Reports,
}

/// A file with counts, held.
struct Taken<'d> {
    file: Exclusive<'d>,
    counted: ProgramReport,
    merged: MergedFile,
}

impl<'a> Making<'a> {
    /// The names of expired files by their weeks; also the weeks whose report has a list of files, left
    /// by a crash.
    fn expired(&mut self, names: &[String], today: Day) -> BTreeMap<Day, Vec<String>> {
        let mut weeks: BTreeMap<Day, Vec<String>> = BTreeMap::new();
        for name in names.iter().filter(|name| expired::is_count_file(name)) {
            match expired::days(self.local, name) {
                Ok(Some(Days::End(end))) if end <= today => weeks.entry(end).or_default().push(name.clone()),
                Ok(Some(Days::Unknown(fault))) if !expired::may_be_current(name, today) => {
                    self.leave(name, fault.map_or(LeftReason::UnknownProgram, LeftReason::NoHeader));
                }
                Ok(_) => {}
                Err(error) => self.leave(name, error.into()),
            }
        }
        let has_list = |text: &[u8]| text.windows(9).any(|part| part == b"\"Merging\"");
        // Those of weeks with files are read when these are added.
        let others: Vec<Day> =
            self.reports.iter().copied().filter(|week| !weeks.contains_key(week)).collect();
        for week in others {
            let name = report_name(week);
            match self.local.read_all(&name, LENGTH_MAX) {
                Ok(Some(text)) if has_list(&text) => _ = weeks.insert(week, Vec::new()),
                Ok(_) => {}
                Err(error) => self.leave(&name, error.into()),
            }
        }
        weeks
    }

    /// Adds the files of a week to its report, some at a time: each is open until it is removed. What
    /// keeps back the report keeps back the rest of them.
    fn week(&mut self, week: Day, names: &[String]) {
        // A week without files has a list to clear.
        for names in names.chunks(FILES_AT_ONCE).chain(names.is_empty().then_some(names)) {
            if let Err(reason) = self.part(week, names) {
                return self.leave(&report_name(week), reason);
            }
        }
    }

    /// Adds some files of a week: a whole run, as far as a crash can tell.
    fn part(&mut self, week: Day, names: &[String]) -> Result<(), LeftReason> {
        let name = report_name(week);
        let (found, mut report) = match self.report(week)? {
            Some(report) => (true, report),
            None => (false, Report::new(week, self.reports.range(..week).next_back().copied(), fraction())),
        };
        let mut added = mem::take(&mut report.merging);
        let mut taken: Vec<Taken<'a>> = names.iter().filter_map(|name| self.take(name)).collect();
        if taken.is_empty() && added.is_empty() {
            return Ok(());
        }
        if !self.dry_run {
            taken.retain_mut(|taken| self.claim(taken));
            // The names are on the disk before the report that lists them.
            self.local.sync()?;
        }
        for Taken { file, counted, merged } in &mut taken {
            let news = match added.iter().position(|earlier| earlier.file == file.name()) {
                Some(place) => counted.since(&added.swap_remove(place).counted),
                None => counted.clone(),
            };
            merged.counters = news.counters.len() + news.stacks.len();
            merged.total = news.total();
            report.add_program(&news);
            report.merging.push(Merging { file: file.name().to_owned(), counted: counted.clone() });
        }
        // What was added before and was not taken now, whatever kept it back: as long as the file is there,
        // the list must tell what of it is in the report.
        added.retain(|earlier| self.present.contains(&earlier.file));
        report.merging.append(&mut added);
        if !self.dry_run {
            self.put(&name, &report)?;
            (self.at)(Step::Written);
        }
        self.reports.insert(week);
        let mut files = Vec::new();
        for Taken { file, merged, .. } in taken {
            let name = file.name().to_owned();
            if !self.dry_run && self.remove(file) {
                report.merging.retain(|merging| merging.file != name);
            }
            files.push(merged);
        }
        if !files.is_empty() {
            let path = self.local.path().join(&name);
            match self.outcome.weeks.last_mut().filter(|earlier| earlier.week == week) {
                Some(earlier) => earlier.files.append(&mut files),
                None => self.outcome.weeks.push(WeekReport { week, path, extended: found, files }),
            }
        }
        if !self.dry_run {
            // The removals are on the disk before the list is gone.
            self.local.sync()?;
            self.put(&name, &report)?;
            (self.at)(Step::Cleared);
        }
        Ok(())
    }

    /// The report of a week that is there.
    fn report(&self, week: Day) -> Result<Option<Report>, LeftReason> {
        let Some(text) = self.local.read_all(&report_name(week), LENGTH_MAX)? else { return Ok(None) };
        let report = Report::from_json(&text).map_err(|error| LeftReason::NoReport(error.to_string()))?;
        if report.week != week.to_string() {
            return Err(LeftReason::NoReport(format!("the report is of the week {:?}", report.week)));
        }
        Ok(Some(report))
    }

    /// Takes a file with counts; one without is removed, one that cannot be used is left.
    fn take(&mut self, name: &str) -> Option<Taken<'a>> {
        let mut take = || -> Result<Option<Taken<'a>>, LeftReason> {
            let Some((file, contents)) = expired::take(self.local, name)? else { return Ok(None) };
            let counted = counted(&contents)?;
            let path = self.local.path().join(original_name(name, &contents));
            if let Some(counted) = counted {
                let merged = MergedFile { path, counters: 0, total: 0, faults: contents.faults };
                return Ok(Some(Taken { file, counted, merged }));
            }
            if !contents.faults.is_empty() {
                return Err(LeftReason::NothingSalvaged(contents.faults.len()));
            }
            if !self.dry_run {
                file.remove()?;
            }
            self.outcome.empty.push(path);
            Ok(None)
        };
        take().unwrap_or_else(|reason| {
            self.leave(name, reason);
            None
        })
    }

    /// Gives a file a name that no other file ever has.
    fn claim(&mut self, taken: &mut Taken<'_>) -> bool {
        if expired::is_claimed(taken.file.name()) {
            return true;
        }
        let name = taken.file.name().to_owned();
        match taken.file.rename(&expired::claimed_name()) {
            Ok(()) => {
                self.present.insert(taken.file.name().to_owned());
                (self.at)(Step::Claimed);
                true
            }
            Err(error) => {
                self.leave(&name, error.into());
                false
            }
        }
    }

    /// Removes a file whose counts are in the report; false if it is still there.
    fn remove(&mut self, file: Exclusive<'_>) -> bool {
        let name = file.name().to_owned();
        match file.remove() {
            Err(error) if error.kind() != ErrorKind::Moved => {
                self.leave(&name, error.into());
                false
            }
            _ => {
                (self.at)(Step::Removed);
                true
            }
        }
    }

    fn put(&self, name: &str, report: &Report) -> Result<(), Error> {
        self.local.replace(name, report.to_json().as_bytes())
    }

    fn leave(&mut self, name: &str, reason: LeftReason) {
        self.outcome.left.push(Left { path: self.local.path().join(name), reason });
    }
}

/// The counts of a file; `None` if it has none.
fn counted(contents: &Contents) -> Result<Option<ProgramReport>, UnknownProgram> {
    let mut totals = Totals::new();
    totals.add(contents)?;
    let counted = totals.programs().next().map(|(program, counts)| ProgramReport::new(program, counts));
    Ok(counted)
}

/// The name that a file had before it was claimed.
fn original_name(name: &str, contents: &Contents) -> String {
    let metadata = contents.preamble.metadata().filter(|_| expired::is_claimed(name));
    metadata.map_or_else(|| name.to_owned(), |metadata| metadata.file_name().to_string())
}

fn report_name(week: Day) -> String {
    format!("local.{week}.json")
}

fn week_of(name: &str) -> Option<Day> {
    Day::parse(name.strip_prefix("local.")?.strip_suffix(".json")?)
}

/// A random number from 0 to 1, never 1 itself: 53 bits.
fn fraction() -> f64 {
    let bits = RandomState::new().hash_one("X") >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
