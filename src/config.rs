//! What a program says when it begins to count into a file.

use std::fmt;
use std::path::PathBuf;

use crate::platform::DEFAULT_CAPACITY;
use crate::system::Clock;
use crate::{Base, Mode, Program, UnixTime};

/// Who counts, and where. Everything but the program has a default.
///
/// ```
/// use tallymark::{Config, program};
///
/// let config = Config::new(program!()).dir("/var/lib/my-server").background(true);
/// # let _ = config;
/// ```
#[must_use]
pub struct Config {
    pub(crate) program: Program,
    pub(crate) base: Option<Base>,
    pub(crate) capacity: u32,
    pub(crate) background: bool,
    pub(crate) clock: Option<Clock>,
    pub(crate) forced: Option<bool>,
    pub(crate) survive_cuts: bool,
}

impl Config {
    /// Counts of this program, in the user's base directory ([`Base::of_user`]), without a thread.
    ///
    /// The environment variable `TALLYMARK` ([`Mode::of_environment`]) is read here; if it is set it wins
    /// over the `mode` file of the directory.
    pub fn new(program: Program) -> Self {
        let forced = Mode::of_environment().map(|mode| mode != Mode::Off);
        Config {
            program,
            base: Base::of_user(),
            capacity: DEFAULT_CAPACITY,
            background: false,
            clock: None,
            forced,
            survive_cuts: true,
        }
    }

    /// Another base directory. It is made if it is missing.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.base = Some(Base::new(dir));
        self
    }

    /// The length in bytes that a file cannot pass, and for which address space is reserved: 64 MiB
    /// unless set, at most 1 GiB. A file takes 16 KiB and as much more as its counters need.
    pub fn capacity(mut self, bytes: u32) -> Self {
        self.capacity = bytes;
        self
    }

    /// Whether a thread is started that goes on to the next file at the minute the week ends, and
    /// notices within a minute that the mode was changed or the file deleted.
    ///
    /// Without it this is noticed by the first use of a counter in a file, by
    /// [`Session::poll`](crate::Session::poll), and when the session is dropped.
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Whether a signal handler may be installed, on Unix, that lets the program survive a count file
    /// that somebody cuts short while it is counted into: true unless set. All other faults are handed
    /// on to the handler that was there before.
    pub fn survive_cuts(mut self, survive: bool) -> Self {
        self.survive_cuts = survive;
        self
    }

    /// Another clock than that of the system, for tests.
    pub fn clock(mut self, clock: impl Fn() -> UnixTime + Send + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("program", &self.program)
            .field("base", &self.base)
            .field("capacity", &self.capacity)
            .field("background", &self.background)
            .field("forced", &self.forced)
            .finish_non_exhaustive()
    }
}
