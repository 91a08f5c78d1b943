//! Counters by name: statics, and interned ones for names that are made at run time.

use std::fmt;

use tallymark_core::Name;

use crate::global::SESSION;
use crate::system::System;

/// A counter of this program.
///
/// It is ready before any file is open. What is counted early waits in memory and goes to the file
/// when there is one; counters that have counted nothing are in no file.
///
/// ```
/// use tallymark::Counter;
///
/// static BUILDS: Counter = Counter::new("build:ok");
///
/// BUILDS.inc();
/// BUILDS.add(2);
/// assert_eq!(BUILDS.waiting(), 3); // no session is open yet
/// ```
///
/// A name that no file could hold is refused when the program is compiled:
///
/// ```compile_fail
/// # use tallymark::Counter;
/// static NAMELESS: Counter = Counter::new("");
/// ```
///
/// ```compile_fail
/// # use tallymark::Counter;
/// static TWO_LINES: Counter = Counter::new("a\nb");
/// ```
pub struct Counter(tallymark_core::Counter<System>);

impl Counter {
    /// A counter with a name of 1 to 4096 bytes without a newline. Costs nothing at start-up.
    ///
    /// # Panics
    ///
    /// If the name is another; in a static or const that is an error of compilation. For names made
    /// at run time there is [`counter`](crate::counter()).
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        match Name::plain(name.as_bytes()) {
            Ok(name) => Counter::of(name),
            Err(_) => panic!("the name of a counter has 1 to 4096 bytes and no newline"),
        }
    }

    pub(crate) const fn of(name: Name<'static>) -> Self {
        Counter(tallymark_core::Counter::new(&SESSION, name))
    }

    /// Counts one.
    #[inline]
    pub fn inc(&'static self) {
        self.0.add(1);
    }

    /// Counts `n`; the count stops at `u64::MAX`.
    ///
    /// Once the counter has its place in a file this is a load and one atomic addition: no lock, no
    /// allocation, no system call. It may be called by any number of threads, in signal handlers and
    /// in panic hooks. The first use in each week finds the place: in a signal handler too, without
    /// allocating, unless the directory was removed meanwhile.
    #[inline]
    pub fn add(&'static self, n: u64) {
        self.0.add(n);
    }

    /// The name, as it stands in the file: that of a stack counter has a newline.
    #[must_use]
    pub fn name(&self) -> &'static [u8] {
        self.0.name().bytes()
    }

    /// The count in this week's file, of all processes that share it; `None` without a place in it.
    #[must_use]
    pub fn value(&self) -> Option<u64> {
        self.0.target().map(tallymark_core::Count::value)
    }

    /// What this process has counted and could not put into a file yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.0.waiting()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter")
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("value", &self.value())
            .field("waiting", &self.waiting())
            .finish()
    }
}
