//! Event counters in memory-mapped files: shared by many processes without a lock, surviving the crash
//! of any of them, and byte-compatible with the counter files of Go's toolchain.
//!
//! This crate is the front for programs with `std`; the protocol is in [`tallymark_core`], the
//! mapping of files in the adapter of the platform. It starts no thread unless asked to, talks to no
//! network, and writes only below the base directory. On Unix a session installs one signal handler
//! ([`Config::survive_cuts`]).
//!
//! # Count
//!
//! ```
//! use tallymark::{Config, Counter, program};
//!
//! static BUILDS: Counter = Counter::new("build:ok");
//!
//! # let scratch = std::env::temp_dir().join(format!("tallymark-doc-{}", std::process::id()));
//! let session = tallymark::open(Config::new(program!()).dir(&scratch))?;
//! BUILDS.inc();
//! tallymark::counter("http/status:404")?.add(3);
//! # session.close();
//! # std::fs::remove_dir_all(&scratch)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to use for what
//!
//! | to | use |
//! | --- | --- |
//! | count something known | a static [`Counter`]: one load and one addition |
//! | count by a name made at run time | [`counter()`]: found without a lock, made once |
//! | count by where it happens | [`StackCounter`] |
//! | begin and end | [`open`], [`Session`]; [`Session::poll`] or [`Config::background`] at the end of a week |
//! | see what is wrong | [`Session::status`] |
//! | read counts | [`Session::snapshot`] for this process, [`Contents::read`] for any file, [`Totals`] for many |
//! | collect events, from signal handlers too | [`ring`] |
//! | report weeks, clean up, switch off | `Base::make_reports` (feature `report`), [`Base::clean`], [`Base::set_mode`] |
//! | hold one file without a session | [`CountFile`] |
//!
//! More in [`examples`].
//!
//! # A file by hand
//!
//! ```
//! use tallymark::{Base, CountFile, Contents, Name, Program, UnixTime};
//!
//! # let scratch = std::env::temp_dir().join(format!("tallymark-hand-{}", std::process::id()));
//! let base = Base::new(&scratch);
//! let program = Program::new("example.com/cmd/tool", "v1.2.3", "rust1.88");
//! let file = CountFile::open(&base, &program, UnixTime::now())?;
//! let builds = file.slot(&Name::plain(b"build:ok")?)?;
//! file.add(builds, 1);
//!
//! let contents = Contents::read(&file.path())?;
//! assert_eq!(contents.value(b"build:ok"), Some(1));
//! # drop(file);
//! # std::fs::remove_dir_all(&scratch)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod background;
mod base;
mod clean;
mod config;
mod contents;
mod count_file;
mod counter;
#[cfg(feature = "stacks")]
pub mod examples;
mod expired;
mod fork;
mod global;
mod intern;
mod mode;
mod program;
#[cfg(feature = "report")]
mod report;
pub mod ring;
mod session;
#[cfg(feature = "stacks")]
mod stack_counter;
mod system;
mod totals;
mod unix_time;

#[cfg(unix)]
use tallymark_unix as platform;
#[cfg(windows)]
use tallymark_windows as platform;

pub use base::{Base, COUNT_FILE_SUFFIX};
pub use clean::{CleanAction, CleanReason, Cleaned};
pub use config::Config;
pub use contents::{Contents, LENGTH_MAX, ReadError, StoredCounter};
pub use count_file::{CountFile, OpenError, SlotError};
pub use counter::Counter;
pub use expired::{DirectoryError, LeftReason};
pub use intern::counter;
pub use mode::{MODE_VARIABLE, Mode, ModeSetting};
pub use platform::{DEFAULT_CAPACITY, Error as PlatformError, MAX_CAPACITY};
pub use program::Program;
#[cfg(feature = "report")]
pub use report::{Left, MergedFile, ProgramReport, Report, ReportError, Reports, WeekReport};
pub use session::{ConfigError, Problem, Session, Snapshot, Status, open};
#[cfg(feature = "stacks")]
pub use stack_counter::StackCounter;
pub use tallymark_core as core;
pub use tallymark_core::{Day, ErrorKind, Fault, Leftovers, Name, NameError, Rule, Slot, Weekday};
pub use totals::{Counts, Totals, UnknownProgram};
pub use unix_time::UnixTime;
