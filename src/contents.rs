//! What a count file holds, read without side effects: metadata, counters, and what is wrong with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{fmt, mem};

use foldhash::fast::RandomState;
use tallymark_core::format::preamble::Preamble;
use tallymark_core::format::reader::{Item, Reader, marks_needed};
use tallymark_core::format::stack;
use tallymark_core::{Bytes, Entry, Fault, Leftovers, Rule};

/// The longest file that is read: 1 GiB.
pub const LENGTH_MAX: u64 = 1 << 30;

/// A counter of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCounter {
    /// Offset of its record in bytes.
    pub offset: u32,
    /// Its name as stored. Not always UTF-8.
    pub name: Vec<u8>,
    /// Its count.
    pub value: u64,
}

/// A count file at one moment. The file itself is only read, never mapped: nobody who changes it
/// meanwhile can harm the reader.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The header.
    pub preamble: Preamble,
    /// Length of the file in bytes.
    pub length: u32,
    /// The limit word: where the last allocation ends, 0 if there is none.
    pub limit: u32,
    /// The counters, in the order of the file's chains. A name is here once.
    pub counters: Vec<StoredCounter>,
    /// Counters that are in no chain, salvaged from a damaged file; each has a fault.
    pub orphans: Vec<StoredCounter>,
    /// Every fault, in the order found.
    pub faults: Vec<Fault>,
    /// What crashes and lost races have left; no damage.
    pub leftovers: Leftovers,
}

/// Why a file could not be read at all.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    System(io::Error),
    NotAFile,
    TooLong(u64),
    Fault(Fault),
}

impl Contents {
    /// Reads a file. Others may be counting into it.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the file cannot be read or has no header of a count file. Any other damage is
    /// in [`Contents::faults`].
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        Contents::settled(|| read_bytes(path)).map_err(|cause| ReadError { path: path.to_path_buf(), cause })
    }

    /// Reads what `read` copies from a file into which others may be counting.
    pub(crate) fn settled<E: From<Fault>>(mut read: impl FnMut() -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let mut parse = || -> Result<Contents, E> { Ok(Contents::parse(&read()?)?) };
        let mut contents = parse()?;
        if !contents.faults.is_empty() {
            // While others count, a copy mixes moments: a record published between the copying of the
            // limit and of its bucket looks as if it were past the limit, one published after its
            // bucket was copied as if no chain reached it. Such faults are gone in a later copy, or are
            // of other records: what is wrong in both was wrong all along.
            let earlier = mem::replace(&mut contents, parse()?);
            let same = |a: &Fault, b: &Fault| (a.offset, a.rule) == (b.offset, b.rule);
            contents.faults.retain(|fault| earlier.faults.iter().any(|before| same(before, fault)));
            let faults = &contents.faults;
            let is_fault = |offset| faults.iter().any(|f| (f.offset, f.rule) == (offset, Rule::RecordLinked));
            contents.orphans.retain(|orphan| is_fault(orphan.offset));
        }
        Ok(contents)
    }

    /// Reads a private copy of a file. In a copy taken while others count, a record that was published
    /// meanwhile may look like a fault; [`Contents::read`] tells them apart.
    ///
    /// # Errors
    ///
    /// The [`Fault`] without which nothing can be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let words = Bytes(bytes);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut marks = vec![0; marks_needed(length)];
        let Ok(mut reader) = Reader::open(words, &mut marks)? else {
            unreachable!("there are as many marks as the reader asks for")
        };
        let (mut counters, mut orphans, mut faults) = (Vec::<StoredCounter>::new(), Vec::new(), Vec::new());
        // Places by the hash of their name; of two names with one hash the second is looked for.
        let mut places: HashMap<u64, usize, RandomState> = HashMap::default();
        while let Some(item) = reader.next() {
            match item {
                Item::Fault(fault) => faults.push(fault),
                Item::Orphan(entry) => {
                    faults.push(fault_at(&entry, Rule::RecordLinked));
                    orphans.push(entry.into());
                }
                Item::Entry(entry) => {
                    let hash = places.hasher().hash_one(entry.name);
                    let known = match places.entry(hash) {
                        Vacant(place) => {
                            place.insert(counters.len());
                            None
                        }
                        Occupied(place) if counters[*place.get()].name == entry.name => Some(*place.get()),
                        Occupied(_) => counters.iter().position(|counter| counter.name == entry.name),
                    };
                    match known.map(|place| &mut counters[place]) {
                        Some(counter) => {
                            faults.push(fault_at(&entry, Rule::NameOnce));
                            counter.value = counter.value.saturating_add(entry.value);
                        }
                        None => counters.push(entry.into()),
                    }
                }
            }
        }
        let (leftovers, limit) = (reader.leftovers(), reader.limit());
        let preamble = reader.preamble().clone();
        Ok(Contents { preamble, length, limit, counters, orphans, faults, leftovers })
    }

    /// The count of a name as stored.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<u64> {
        self.counters.iter().find(|counter| counter.name == name).map(|counter| counter.value)
    }

    /// The sum of all counts, at most `u64::MAX`.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counters.iter().fold(0, |sum, counter| sum.saturating_add(counter.value))
    }
}

impl StoredCounter {
    /// Whether it is a stack counter.
    #[must_use]
    pub fn is_stack(&self) -> bool {
        stack::is_stack(&self.name)
    }

    /// The name with the ditto marks of a stack resolved. Several counters may have the same.
    #[must_use]
    pub fn decoded_name(&self) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(self.name.len());
        for (i, line) in stack::decode(&self.name).enumerate() {
            if i > 0 {
                decoded.push(b'\n');
            }
            decoded.extend_from_slice(line.path);
            decoded.extend_from_slice(line.rest);
        }
        decoded
    }
}

impl From<Entry<'_>> for StoredCounter {
    fn from(entry: Entry<'_>) -> Self {
        StoredCounter { offset: entry.offset, name: entry.name.to_vec(), value: entry.value }
    }
}

fn fault_at(entry: &Entry<'_>, rule: Rule) -> Fault {
    Fault { offset: entry.offset, value: entry.value, rule }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Cause> {
    // Asked before opening: opening a pipe would wait for its other end.
    if !fs::metadata(path).map_err(Cause::System)?.is_file() {
        return Err(Cause::NotAFile);
    }
    let file = File::open(path).map_err(Cause::System)?;
    let length = file.metadata().map_err(Cause::System)?.len();
    if length > LENGTH_MAX {
        return Err(Cause::TooLong(length));
    }
    let mut bytes = Vec::new();
    file.take(LENGTH_MAX).read_to_end(&mut bytes).map_err(Cause::System)?;
    Ok(bytes)
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Cause::Fault(fault)
    }
}

impl ReadError {
    /// The broken rule, if the bytes could be read and are no count file.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self.cause {
            Cause::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading {}: ", self.path.display())?;
        match &self.cause {
            Cause::System(error) => error.fmt(f),
            Cause::NotAFile => f.write_str("it is not a regular file"),
            Cause::TooLong(length) => write!(f, "it has {length} bytes; at most {LENGTH_MAX} are read"),
            Cause::Fault(fault) => write!(f, "no counter file: {fault}"),
        }
    }
}

impl std::error::Error for ReadError {}
