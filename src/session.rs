//! The session of a program: open, poll, look, close.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use tallymark_core::format::header::MetadataError;
use tallymark_core::session::{Trouble, View};
use tallymark_core::{Day, ErrorKind};

use crate::background::Background;
use crate::global::SESSION;
use crate::system::System;
use crate::{Config, UnixTime};

/// Whether a [`Session`] lives.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Begins to put the counts of this program into a file, those made before as well.
///
/// A file that cannot be opened now, or a full disk, is no error: counts wait in memory, it is tried
/// again with growing delays, and [`Session::status`] says what is wrong.
///
/// ```
/// use tallymark::{Config, Counter, program};
///
/// static BUILDS: Counter = Counter::new("build:ok");
///
/// # let scratch = std::env::temp_dir().join(format!("tallymark-open-{}", std::process::id()));
/// BUILDS.inc(); // before the session: it waits
/// let session = tallymark::open(Config::new(program!()).dir(&scratch))?;
/// BUILDS.inc();
/// assert_eq!(BUILDS.value(), Some(2));
/// # drop(session);
/// # std::fs::remove_dir_all(&scratch)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`]: what would never work.
pub fn open(config: Config) -> Result<Session, ConfigError> {
    let Config { program, base, capacity, background, clock, forced, survive_cuts } = config;
    program.metadata(Day::FIRST, Day::LAST).encode().map_err(ConfigError::Program)?;
    let base = base.ok_or(ConfigError::NoDirectory)?;
    // ORDER: Acquire and, in `drop`, Release: one session after the other.
    if IS_OPEN.swap(true, Ordering::Acquire) {
        return Err(ConfigError::AlreadyOpen);
    }
    crate::fork::prepare();
    if survive_cuts {
        crate::platform::survive_cuts();
    }
    let clock = clock.unwrap_or_else(|| Box::new(UnixTime::now));
    SESSION.start(System::new(&base, program, capacity, clock, forced));
    Ok(Session { background: background.then(Background::start) })
}

/// A program that counts into a file. There is one at a time.
///
/// Dropping it lands what waits, trying again at once what failed, and stops the thread, if there is one.
/// The file stays mapped and counters go on counting into it, so nothing is lost that other threads do
/// until the program ends.
#[derive(Debug)]
pub struct Session {
    background: Option<Background>,
}

impl Session {
    /// Does what is due: goes on to the next file if the week has ended, notices that the mode was
    /// changed or the file deleted, tries again what failed if its delay is over, lands what waits. For
    /// programs without a thread, and for children after `fork`.
    pub fn poll(&self) {
        poll();
    }

    /// Lands what waits and gives up the file: what is counted from now on waits for the next
    /// session. (Dropping the session keeps the file.)
    pub fn close(mut self) {
        drop(self.background.take());
        finish();
        SESSION.stop();
    }

    /// How the session is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        SESSION.view(|view| Status::of(&view))
    }

    /// The counters that this program has used, with what this week's file has for each (of all
    /// processes that share it) and what waits in this process. Nothing is changed.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Snapshot> {
        SESSION
            .counters()
            .iter()
            .map(|counter| Snapshot {
                name: counter.name().bytes(),
                value: counter.target().map(tallymark_core::Count::value),
                waiting: counter.waiting(),
            })
            .collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.background.take());
        finish();
        IS_OPEN.store(false, Ordering::Release);
    }
}

/// Polls at the time of the session's clock.
pub(crate) fn poll() {
    if let Some(now) = now() {
        SESSION.poll(now);
    }
}

/// Polls a last time: nothing is put off.
fn finish() {
    if let Some(now) = now() {
        SESSION.finish(now);
    }
}

/// The time of the session's clock, if there is a session.
fn now() -> Option<i64> {
    SESSION.view(|view| view.host.map(tallymark_core::Host::now))
}

/// A counter at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, as it stands in the file.
    pub name: &'static [u8],
    /// Its count in this week's file; `None` without a place in it.
    pub value: Option<u64>,
    /// What this process has counted and could not put into a file yet.
    pub waiting: u64,
}

/// How a session is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether counting is on; if it is off, counts wait.
    pub is_on: bool,
    /// The file that counts go to.
    pub file: Option<PathBuf>,
    /// The day at whose midnight (UTC) the counts of that file end.
    pub time_end: Option<Day>,
    /// Counters with counts that wait.
    pub waiting_counters: usize,
    /// The sum of the counts that wait.
    pub waiting: u64,
    /// How often the file was found deleted, replaced or cut short; what had been counted into the
    /// part that was gone is lost.
    pub lost_files: u64,
    /// What is wrong, if anything is.
    pub problem: Option<Problem>,
}

/// What keeps counts from their file. It is never final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// In one line: what was tried, on which path, and why it failed.
    pub message: String,
    /// When it is tried again.
    pub retry_at: Option<UnixTime>,
}

impl Status {
    fn of(view: &View<'_, System>) -> Self {
        let waiting = SESSION.counters().iter().map(|counter| counter.waiting()).filter(|&n| n > 0);
        let (waiting_counters, waiting) =
            waiting.fold((0, 0u64), |(counters, sum), n| (counters + 1, sum.saturating_add(n)));
        let (kind, message) = match view.trouble {
            None => (None, String::new()),
            Some(Trouble::Open(error) | Trouble::Grow(error)) => (Some(error.kind()), error.to_string()),
            Some(Trouble::Damaged(fault)) => (Some(ErrorKind::Damaged), fault.to_string()),
        };
        Status {
            is_on: view.is_on,
            file: view.open.map(|open| open.file.store().path()),
            time_end: view.open.map(|open| open.end),
            waiting_counters,
            waiting,
            lost_files: view.lost_files,
            problem: kind.map(|kind| Problem { kind, message, retry_at: view.retry_at.map(UnixTime) }),
        }
    }
}

/// Why a session could not be opened, and never could.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The program's values cannot be written as metadata.
    Program(MetadataError),
    /// There is no directory for the user's data; name one with [`Config::dir`].
    NoDirectory,
    /// A session is open.
    AlreadyOpen,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Program(error) => error.fmt(f),
            ConfigError::NoDirectory => {
                f.write_str("there is no home directory to count in; name a directory")
            }
            ConfigError::AlreadyOpen => f.write_str("this program has a session already"),
        }
    }
}

impl std::error::Error for ConfigError {}
