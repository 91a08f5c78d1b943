//! What a host supplies. Each port is a contract in words and a handful of methods.

use crate::calendar::Day;
use crate::file::CounterFile;
use crate::table::Slot;
use crate::words::{Count, Outside, Words};

/// Memory that stands for one file and can become longer.
///
/// Implementations: the mappings of the platform crates, [`Mapped`](crate::Mapped) itself (memory of
/// a fixed length, below), and the simulators of the test package.
///
/// ```
/// use tallymark_core::{Mapped, Region, Store};
///
/// let region = Region::<4096>::new();
/// let memory = Mapped::from_words(region.words())?;
/// assert!(memory.grow(16384).is_ok()); // it is that long already
/// assert!(memory.grow(32768).is_err());
/// # Ok::<(), tallymark_core::words::MemoryError>(())
/// ```
pub trait Store {
    /// The memory.
    type Words: Words;
    /// Why the file cannot become longer.
    type Error;

    /// The memory. Offsets that were good stay good as long as the store lives.
    fn words(&self) -> &Self::Words;

    /// Makes the file and the memory at least `to` bytes long, `to` a multiple of 16384.
    ///
    /// After `Ok` the memory has at least that length, its new part was zero when it became part of
    /// the file, and touching it cannot fail for want of space. Never shortens the file, and never
    /// writes to a part that another process may use already.
    ///
    /// # Errors
    ///
    /// The file is as it was, or longer.
    fn grow(&self, to: u32) -> Result<(), Self::Error>;

    /// Takes into the memory what other processes have added to the file. `Ok` without a longer
    /// memory means that the file is no longer.
    ///
    /// # Errors
    ///
    /// The memory is as it was.
    fn remap(&self) -> Result<(), Self::Error>;
}

/// A store whose counts outlast it: its memory stays usable when the store is dropped, for ever.
pub trait Lasting: Store {
    /// The count at a slot.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the slot is of another, longer file.
    fn count(&self, slot: Slot) -> Result<&'static Count, Outside>;
}

/// What a [`Session`](crate::session::Session) needs of its surroundings. One thread at a time calls
/// it; on the slow path of a counter, so possibly in a signal handler: a host that must survive that
/// neither allocates nor locks in `now`, `is_on`, `check` and `open`.
pub trait Host {
    /// What a count file is kept in.
    type Store: Lasting;
    /// Why there is no file, or none that can take a new counter.
    type Error: From<<Self::Store as Store>::Error>;

    /// The time in seconds since 1970-01-01T00:00:00Z. It may jump in both directions.
    fn now(&self) -> i64;

    /// Whether counts may be put into a file now.
    fn is_on(&mut self) -> bool;

    /// Opens or makes the file for the span of days that holds `now`. With `spare`, the file under
    /// the usual name is damaged and another one is wanted.
    ///
    /// # Errors
    ///
    /// The session keeps the counts and asks again later.
    fn open(&mut self, now: i64, spare: bool) -> Result<Opened<Self::Store>, Self::Error>;

    /// Checks that a file it opened is still in its place.
    ///
    /// # Errors
    ///
    /// Of kind [`ErrorKind::Moved`] or [`ErrorKind::CutShort`] if the file must be opened again.
    fn check(&mut self, store: &Self::Store) -> Result<(), Self::Error>;

    /// What can be done about an error.
    fn kind(error: &Self::Error) -> ErrorKind;

    /// Lets others run while this thread waits for them; not called on the path of a counter.
    fn relax() {
        core::hint::spin_loop();
    }
}

/// A count file and its span of days.
#[derive(Debug)]
pub struct Opened<S> {
    /// The file.
    pub file: CounterFile<S>,
    /// First day of its counts.
    pub begin: Day,
    /// The day at whose midnight they end.
    pub end: Day,
}

impl<S> Opened<S> {
    /// Whether counts made at this time (seconds since 1970-01-01T00:00:00Z) belong into it.
    #[must_use]
    pub const fn holds(&self, now: i64) -> bool {
        self.begin.unix() <= now && now < self.end.unix()
    }
}

/// Memory of a fixed length is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The length in bytes that was needed.
    pub need: u32,
    /// The length in bytes that there is.
    pub have: u32,
}

impl Store for crate::words::Mapped<'_> {
    type Words = Self;
    type Error = Full;

    fn words(&self) -> &Self {
        self
    }

    fn grow(&self, to: u32) -> Result<(), Full> {
        use crate::words::ReadWords;
        let have = self.length();
        if to <= have { Ok(()) } else { Err(Full { need: to, have }) }
    }

    fn remap(&self) -> Result<(), Full> {
        Ok(())
    }
}

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the memory is full: {} bytes are needed, it has {}", self.need, self.have)
    }
}

impl core::error::Error for Full {}

/// What kept a host from doing what a port asked for, by what a caller can do about it. The errors of
/// the platform crates say more, and each has a `kind()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such file or directory.
    NotFound,
    /// The file, or its directory, may not be used by this process.
    Denied,
    /// No space is left on the device, or a quota is used up. Later calls may succeed.
    NoSpace,
    /// The file would pass the length that was set for it.
    TooLong,
    /// The name leads to something else than a regular file: a link, a directory, a device.
    NotAFile,
    /// The file was deleted or replaced by another under its name. Open it again.
    Moved,
    /// Another process is just working on the file alone, and will be done soon.
    InUse,
    /// The file was cut short by somebody. What was behind the cut is lost. Open it again.
    CutShort,
    /// The file breaks a rule of the format, or belongs to another program.
    Damaged,
    /// Anything else the operating system said.
    Other,
}
