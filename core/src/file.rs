//! One counter file over a [`Store`]: runs the table protocol and answers what it asks for.

use core::fmt;

use crate::fault::{Fault, Rule};
use crate::format::header::Header;
use crate::format::name::Name;
use crate::port::Store;
use crate::table::{Slot, Step, Table};
use crate::words::{Outside, ReadWords};

/// A counter file whose header has been checked.
#[derive(Debug)]
pub struct CounterFile<S> {
    store: S,
    header: Header,
}

/// Why a counter could not be found or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError<E> {
    /// The file breaks a rule of its format.
    Fault(Fault),
    /// The store could not make the file longer.
    Store(E),
}

impl<S: Store> CounterFile<S> {
    /// A counter file in a store that already holds one with exactly this header.
    ///
    /// # Errors
    ///
    /// The [`Fault`] in the file's header, or [`Rule::HeaderMatches`]
    /// at the first byte that differs.
    pub fn attach(store: S, header: &Header) -> Result<Self, Fault> {
        header.check(store.words())?;
        Ok(CounterFile::new(store, header.clone()))
    }

    /// A counter file in a store whose header has been checked already.
    #[must_use]
    pub fn new(store: S, header: Header) -> Self {
        CounterFile { store, header }
    }

    /// A new counter file in memory that nobody else uses yet: all of it is overwritten. For memory
    /// that is no file; the platform crates make files in another way.
    ///
    /// # Errors
    ///
    /// [`FormatError`] if the memory is shorter than the smallest file.
    pub fn format(store: S, header: &Header) -> Result<Self, FormatError> {
        let length = store.words().length();
        if length < crate::format::layout::FILE_MIN {
            return Err(FormatError { length });
        }
        header.write(store.words()).map_err(|_| FormatError { length })?;
        Ok(CounterFile { store, header: header.clone() })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store, given back.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The table in the memory.
    pub fn table(&self) -> Table<&S::Words> {
        Table::new(self.store.words(), self.header.layout())
    }

    /// Finds the counter of this name or makes it with value 0, making the file longer where needed.
    ///
    /// # Errors
    ///
    /// [`FileError`]; the counter may be found or made by a later call if the store recovers.
    pub fn slot(&self, name: &Name<'_>) -> Result<Slot, FileError<S::Error>> {
        let table = self.table();
        // Bound: each further turn needs a longer memory than the one before.
        loop {
            let length = self.store.words().length();
            match table.new_counter(name).map_err(FileError::Fault)? {
                Step::Found(slot) => return Ok(slot),
                Step::Grow { to } => {
                    self.store.grow(to).map_err(FileError::Store)?;
                    if self.store.words().length() < to {
                        let fault = Fault { offset: length, value: to.into(), rule: Rule::FileLength };
                        return Err(FileError::Fault(fault));
                    }
                }
                Step::Remap { fault } => {
                    self.store.remap().map_err(FileError::Store)?;
                    if self.store.words().length() <= length {
                        return Err(FileError::Fault(fault));
                    }
                }
            }
        }
    }

    /// Adds `n` to a counter, stopping at `u64::MAX`, and returns the value before.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the slot is of another, longer file.
    #[inline]
    pub fn add(&self, slot: Slot, n: u64) -> Result<u64, Outside> {
        self.table().add(slot, n)
    }

    /// The value of a counter.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the slot is of another, longer file.
    pub fn value(&self, slot: Slot) -> Result<u64, Outside> {
        self.table().value(slot)
    }
}

/// Memory that is too short for a counter file, which takes 16384 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// Its length in bytes.
    pub length: u32,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the memory has {} bytes; a counter file takes 16384 or more", self.length)
    }
}

impl core::error::Error for FormatError {}

impl<E: fmt::Display> fmt::Display for FileError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Fault(fault) => write!(f, "damaged counter file: {fault}"),
            FileError::Store(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for FileError<E> {}
