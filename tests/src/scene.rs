//! A directory, a clock that tests turn, and the one session of a test program, for one test at a
//! time.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tallymark::{Base, Config, Contents, Program, Session, UnixTime};

/// 2026-01-05T10:00:00Z, a Monday.
pub const MONDAY: i64 = 1_767_607_200;
/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// Seconds of a week.
pub const WEEK: i64 = 7 * DAY;

/// A program of these tests.
#[must_use]
pub fn program(path: &str) -> Program {
    Program { os: "linux".into(), arch: "amd64".into(), ..Program::new(path, "v1.2.3", "go1.27.3") }
}

/// Where a test counts. Weeks end on Wednesdays there.
#[derive(Debug)]
pub struct Scene {
    /// Removed at the end.
    pub directory: tempfile::TempDir,
    /// The base directory in it.
    pub base: Base,
    clock: Arc<AtomicI64>,
    /// A process has one session: tests that share one take turns.
    _turn: MutexGuard<'static, ()>,
}

impl Scene {
    /// A new directory and a clock that shows [`MONDAY`].
    ///
    /// # Panics
    ///
    /// If no directory can be made.
    #[must_use]
    pub fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = tempfile::tempdir().expect("a directory for a test");
        let base = Base::new(directory.path().join("base"));
        fs::create_dir_all(base.local()).expect("a directory for a test");
        fs::write(base.local().join("weekends"), "3\n").expect("a file for a test");
        Scene { directory, base, clock: Arc::new(AtomicI64::new(MONDAY)), _turn: turn }
    }

    /// What a session here is opened with.
    pub fn config(&self) -> Config {
        self.config_of(program("example.com/cmd/tool"))
    }

    /// What a session of another program is opened with.
    pub fn config_of(&self, program: Program) -> Config {
        let clock = Arc::clone(&self.clock);
        Config::new(program)
            .dir(self.base.path())
            .capacity(1 << 20)
            .clock(move || UnixTime(clock.load(Ordering::SeqCst)))
    }

    /// A session.
    ///
    /// # Panics
    ///
    /// If it cannot be opened.
    #[must_use]
    pub fn open(&self) -> Session {
        tallymark::open(self.config()).expect("a session for a test")
    }

    /// The time of the clock.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Turns the clock.
    pub fn set_clock(&self, to: i64) {
        self.clock.store(to, Ordering::SeqCst);
    }

    /// The count files, each without fault.
    ///
    /// # Panics
    ///
    /// If one has a fault.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, Contents)> {
        let paths = self.base.count_files().expect("the count files of a test");
        let read = |path: PathBuf| {
            let contents = Contents::read(&path).expect("a count file of a test");
            assert_eq!(contents.faults, [], "{}", path.display());
            (path, contents)
        };
        paths.into_iter().map(read).collect()
    }

    /// The sums of all files, by name.
    ///
    /// # Panics
    ///
    /// As [`Scene::files`].
    #[must_use]
    pub fn totals(&self) -> HashMap<String, u64> {
        let mut totals = HashMap::new();
        for (_, contents) in self.files() {
            for counter in contents.counters {
                *totals.entry(String::from_utf8_lossy(&counter.name).into_owned()).or_default() +=
                    counter.value;
            }
        }
        totals
    }

    /// The sum of all files for one name.
    ///
    /// # Panics
    ///
    /// As [`Scene::files`].
    #[must_use]
    pub fn total(&self, name: &str) -> u64 {
        self.totals().get(name).copied().unwrap_or(0)
    }
}

impl Drop for Scene {
    /// What the next test counts before its session shall wait.
    fn drop(&mut self) {
        if let Ok(session) = tallymark::open(self.config()) {
            session.close();
        }
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}
