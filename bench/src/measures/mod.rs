//! The measures, one file each, and what they share.

mod growth;
mod increments;
mod lookup;
mod new_counters;
mod opening;
mod reading;
mod ring;
mod two_threads;
mod write_back;

use std::cell::{RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tallymark::{Config, Day, Program, Session, UnixTime};

use crate::go::{Answer, Go, quoted};
use crate::race::Length;
use crate::scratch::Scratch;
use crate::table::Report;

/// What every measure has.
pub(crate) struct Context {
    memory: Scratch,
    disk: Scratch,
    seconds: f64,
    go: Option<RefCell<Go>>,
}

/// A measure.
type Measure = fn(&Context, &mut Report) -> Result<()>;

/// All of them, with the names that a filter is held against. Those that leave many counters behind in
/// this process come last.
const MEASURES: [(&str, Measure); 10] = [
    ("increments", increments::run),
    ("two-threads", two_threads::run),
    ("write-back", write_back::run),
    ("opening", opening::run),
    ("sessions", opening::sessions),
    ("lookup", lookup::run),
    ("reading", reading::run),
    ("ring", ring::run),
    ("new-counters", new_counters::run),
    ("growth", growth::run),
];

/// Runs the measures whose name has `filter` in it.
pub(crate) fn run(context: &Context, filter: &str) -> Result<Report> {
    let chosen: Vec<_> = MEASURES.iter().filter(|(name, _)| name.contains(filter)).collect();
    let names = MEASURES.map(|(name, _)| name);
    ensure!(!chosen.is_empty(), "the measures are {}", names.join(", "));
    let mut report = Report::default();
    for (name, measure) in chosen {
        eprintln!("{name} …");
        measure(context, &mut report).with_context(|| format!("the measure {name}"))?;
    }
    Ok(report)
}

impl Context {
    /// Makes the scratch folders.
    pub(crate) fn new(disk: &Path, seconds: f64, go: Option<Go>) -> Result<Self> {
        let (memory, disk) = (Scratch::in_memory()?, Scratch::on_disk(disk)?);
        Ok(Context { memory, disk, seconds, go: go.map(RefCell::new) })
    }

    /// The file systems that what touches files is measured on.
    fn media(&self) -> [&Scratch; 2] {
        [&self.memory, &self.disk]
    }

    fn length(&self, least: usize, most: usize) -> Length {
        Length { seconds: self.seconds, least, most, warm_up: 1 }
    }

    /// Go, if it is installed.
    fn go(&self) -> Option<RefMut<'_, Go>> {
        Some(self.go.as_ref()?.borrow_mut())
    }

    /// Asks Go, which must be there.
    fn ask(&self, words: &[&str]) -> Result<Answer> {
        self.go().context("Go is not installed")?.ask(words)
    }
}

/// Who counts here.
fn program() -> Program {
    tallymark::program!()
}

/// Opens the session of this process in a folder.
fn session(folder: &Path) -> Result<Session> {
    // The counters of the largest file need less.
    const CAPACITY: u32 = 256 << 20;
    let session = tallymark::open(Config::new(program()).dir(folder).capacity(CAPACITY));
    session.map_err(|error| anyhow::anyhow!("{error}"))
}

/// The file that a session counts into.
fn file_of(session: &Session) -> Result<PathBuf> {
    let status = session.status();
    ensure!(status.problem.is_none() && status.waiting == 0, "{status:?}");
    status.file.context("the session has a file")
}

/// Metadata for a file of Go's, in quotes.
fn metadata() -> Result<String> {
    let today = Day::from_unix(UnixTime::now().0).context("the clock is right")?;
    let end = today.span_end(today.weekday()).context("a week has an end")?;
    let program = program();
    let header = program.metadata(today, end).encode().map_err(|error| anyhow::anyhow!("{error}"))?;
    // Behind the magic and the length.
    let text = header.bytes().split_at(32).1;
    let text = String::from_utf8_lossy(text);
    Ok(quoted(text.trim_end_matches('\0')))
}

/// The name with this number, the same on Go's side.
fn name(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:07}")
}

/// The names from one number up to another.
fn names(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| name(prefix, number)).collect()
}

/// How long some work takes.
fn timed(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}
