//! What a host supplies. Each port is a contract in words and a handful of methods.

use crate::words::Words;

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
    /// The file was cut short by somebody. What was behind the cut is lost. Open it again.
    CutShort,
    /// The file breaks a rule of the format, or belongs to another program.
    Damaged,
    /// Anything else the operating system said.
    Other,
}
