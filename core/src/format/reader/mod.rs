//! The bounded reader: every good record and every fault of a file, whatever its bytes are.
//!
//! It visits each 32-byte unit at most twice, once along the chains and once along the file, stops at
//! no fault, allocates nothing and writes nothing to the file. Two bits for each unit, supplied by the
//! caller, remember what the chains have reached: that bounds every walk, finds rings and overlaps,
//! and lets the second pass salvage what a broken chain has cut off.

use self::marks::Marks;
use self::source::Source;
use super::layout::{
    BUCKETS, DEAD, END, LENGTH_IN_RECORD, LENGTH_MARK, LENGTH_MASK, NAME_MAX, NEXT_IN_RECORD, PAGE, UNIT,
    hash, record_size,
};
use super::preamble::Preamble;
use super::record::{Record, check_link};
use crate::fault::{Fault, Rule};
use crate::words::{Outside, ReadWords};

mod marks;
mod source;

/// What the reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'r> {
    /// A counter, in the chain of its name.
    Entry(Entry<'r>),
    /// A counter with a count that no chain reaches ([`Rule::RecordLinked`]).
    ///
    /// In a copy that was taken while others counted, it may be a record that was published after
    /// its bucket was copied: take a second copy, and believe what is unlinked in both.
    Orphan(Entry<'r>),
    /// A place that breaks a rule.
    Fault(Fault),
}

/// A counter: its place, value and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'r> {
    /// Offset of the record in bytes.
    pub offset: u32,
    /// The count.
    pub value: u64,
    /// The name as stored, 1 to 4096 bytes.
    pub name: &'r [u8],
}

/// What crashes and lost races leave in a healthy file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Records that were written but never linked.
    pub unlinked: u32,
    /// Records that lost the race for their name.
    pub dead: u32,
    /// Bytes that were reserved and hold no record.
    pub unfinished_bytes: u32,
    /// Bytes left empty at the ends of pages.
    pub gap_bytes: u32,
}

/// How many 32-bit words of marks the reader needs for a file of `length` bytes.
#[must_use]
pub const fn marks_needed(length: u32) -> usize {
    2 * length.div_ceil(UNIT * u32::BITS) as usize
}

/// The caller gave fewer words of marks than [`marks_needed`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewMarks {
    /// Words needed.
    pub need: usize,
}

/// The reader of one file.
#[derive(Debug)]
pub struct Reader<'m, W> {
    source: Source<W>,
    preamble: Preamble,
    marks: Marks<'m>,
    name: [u8; NAME_MAX as usize],
    leftovers: Leftovers,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Faults of header, length and limit; the next one to report.
    Whole(usize),
    /// About to follow a link.
    Link(Link),
    /// A fault of this record has been reported; the record is good all the same.
    Good(Link, Record),
    /// Looking at the unit at `at` for what the chains did not reach; `empty` bytes before it are.
    Scan {
        at: u32,
        empty: u32,
    },
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    bucket: u32,
    /// Offset of the word that holds the link.
    at: u32,
}

/// The result of one step: go on, or stop at something to report.
type Progress = (State, Option<Found>);

#[derive(Clone, Copy, Debug)]
enum Found {
    Linked(Record),
    Orphan(Record),
    Fault(Fault),
}

impl<'m, W: ReadWords> Reader<'m, W> {
    /// Reads the header of a file of any origin and byte order. `marks` may hold anything.
    ///
    /// # Errors
    ///
    /// The [`Fault`] without which nothing can be read; and inside, [`TooFewMarks`].
    pub fn open(words: W, marks: &'m mut [u32]) -> Result<Result<Self, TooFewMarks>, Fault> {
        let preamble = Preamble::read(&words)?;
        let length = words.length();
        let need = marks_needed(length);
        let Some(marks) = marks.get_mut(..need) else { return Ok(Err(TooFewMarks { need })) };
        Ok(Ok(Reader {
            source: Source::new(words, length, &preamble),
            preamble,
            marks: Marks::new(marks),
            name: [0; NAME_MAX as usize],
            leftovers: Leftovers::default(),
            state: State::Whole(0),
        }))
    }

    /// The header.
    #[must_use]
    pub fn preamble(&self) -> &Preamble {
        &self.preamble
    }

    /// The limit word: where the last allocation ends, 0 if there is none.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.source.limit
    }

    /// What crashes and lost races have left. Complete once [`Reader::next`] has returned `None`.
    #[must_use]
    pub fn leftovers(&self) -> Leftovers {
        self.leftovers
    }

    /// The next counter or fault; `None` at the end. First the faults of header, length and limit,
    /// then the chains in the order of the buckets, then what no chain reaches.
    #[expect(clippy::should_implement_trait, reason = "an item borrows the reader")]
    pub fn next(&mut self) -> Option<Item<'_>> {
        // Bound: each turn takes one line of the header, one bucket, one link or one unit; links are
        // bounded by the marks.
        let found = loop {
            let (state, found) = match self.state {
                State::Whole(at) => self.whole(at),
                State::Link(link) => self.link(link),
                State::Good(link, record) => (self.after(link, record), Some(Found::Linked(record))),
                State::Scan { at, empty } => self.scan(at, empty),
                State::Done => return None,
            };
            self.state = state;
            if let Some(found) = found {
                break found;
            }
        };
        Some(match found {
            Found::Fault(fault) => Item::Fault(fault),
            Found::Linked(record) => Item::Entry(self.entry(record)),
            Found::Orphan(record) => Item::Orphan(self.entry(record)),
        })
    }

    fn entry(&mut self, record: Record) -> Entry<'_> {
        let value = self.source.load64(record.offset).unwrap_or(0);
        let name = name_of(&self.source.words, &record, &mut self.name).unwrap_or(&[]);
        Entry { offset: record.offset, value, name }
    }

    fn whole(&mut self, at: usize) -> Progress {
        let header = self.preamble.faults();
        let found = match at.checked_sub(header.len()) {
            None => Some(header[at]),
            Some(0) => self.source.length_fault(),
            Some(1) => self.source.limit_fault(),
            Some(_) => {
                let first = Link { bucket: 0, at: self.source.layout.bucket_at(0) };
                return (State::Link(first), None);
            }
        };
        (State::Whole(at + 1), found.map(Found::Fault))
    }

    /// Follows one link of a chain.
    fn link(&mut self, link: Link) -> Progress {
        // A bucket past the end of the file is covered by the fault of the file's length.
        let target = self.source.load32(link.at).unwrap_or(END);
        if target == END {
            return (self.next_bucket(link), None);
        }
        match self.follow(link, target) {
            Ok((record, None)) => (self.after(link, record), Some(Found::Linked(record))),
            Ok((record, Some(fault))) => (State::Good(link, record), Some(Found::Fault(fault))),
            Err(fault) => {
                self.marks.set_broken(link.bucket);
                (self.next_bucket(link), Some(Found::Fault(fault)))
            }
        }
    }

    fn next_bucket(&self, link: Link) -> State {
        let bucket = link.bucket + 1;
        if bucket < BUCKETS {
            State::Link(Link { bucket, at: self.source.layout.bucket_at(bucket) })
        } else {
            State::Scan { at: self.source.layout.first_record(), empty: 0 }
        }
    }

    fn after(&self, link: Link, record: Record) -> State {
        State::Link(Link { bucket: link.bucket, at: record.offset + NEXT_IN_RECORD })
    }

    /// The record that a link leads to, with a fault that does not spoil it; or the fault that does.
    fn follow(&mut self, link: Link, target: u32) -> Result<(Record, Option<Fault>), Fault> {
        let fault = |rule| Fault { offset: link.at, value: target.into(), rule };
        check_link(self.source.layout, target).map_err(fault)?;
        let next = self.source.load32(target.saturating_add(NEXT_IN_RECORD));
        let length = self.source.load32(target.saturating_add(LENGTH_IN_RECORD));
        let (Ok(length), Ok(next)) = (length, next) else { return Err(fault(Rule::LinkInFile)) };
        if self.marks.is_start(target) {
            return Err(fault(Rule::LinkOnce));
        }
        let name_length = length & LENGTH_MASK;
        let in_record =
            |offset, value: u32, rule| Fault { offset: target + offset, value: value.into(), rule };
        if name_length == 0 || name_length > NAME_MAX {
            return Err(in_record(LENGTH_IN_RECORD, length, Rule::NameLength));
        }
        let record = Record { offset: target, name_length, next };
        if !self.source.holds(target, record_size(name_length)) {
            return Err(in_record(LENGTH_IN_RECORD, length, Rule::LinkInFile));
        }
        let bucket = self.bucket_of(&record);
        if bucket != link.bucket {
            // The name or the link is damaged; what it links to is found by the second pass.
            return Err(in_record(16, bucket, Rule::NameBucket));
        }
        self.marks.start(target);
        // Which of two records that overlap is the right one cannot be told: both are read.
        let is_apart = self.marks.cover(target, record.end());
        let spoilt = if !is_apart {
            Some(in_record(LENGTH_IN_RECORD, length, Rule::RecordApart))
        } else if target / PAGE != record.end() / PAGE {
            Some(in_record(LENGTH_IN_RECORD, length, Rule::RecordInPage))
        } else if record.end() > self.source.limit && self.source.limit_fault().is_none() {
            Some(fault(Rule::LinkBelowLimit))
        } else {
            None
        };
        Ok((record, spoilt))
    }

    fn bucket_of(&mut self, record: &Record) -> u32 {
        name_of(&self.source.words, record, &mut self.name).map_or(BUCKETS, hash)
    }

    /// Looks at one unit that the chains may not have reached.
    fn scan(&mut self, at: u32, empty: u32) -> Progress {
        if at >= self.source.scan_end() {
            self.leftovers.unfinished_bytes += empty;
            return (State::Done, None);
        }
        if at.is_multiple_of(PAGE) && empty > 0 {
            self.leftovers.gap_bytes += empty;
            return (State::Scan { at, empty: 0 }, None);
        }
        if self.marks.is_covered(at) {
            self.leftovers.unfinished_bytes += empty;
            return (State::Scan { at: at + UNIT, empty: 0 }, None);
        }
        let Some(record) = self.unreached(at) else {
            if self.source.is_zero(at) {
                return (State::Scan { at: at + UNIT, empty: empty + UNIT }, None);
            }
            self.leftovers.unfinished_bytes += empty + UNIT;
            return (State::Scan { at: at + UNIT, empty: 0 }, None);
        };
        self.leftovers.unfinished_bytes += empty;
        let next = State::Scan { at: record.end(), empty: 0 };
        if record.next == DEAD {
            self.leftovers.dead += 1;
            return (next, None);
        }
        let value = self.source.load64(at).unwrap_or(0);
        let bucket = self.bucket_of(&record);
        if value == 0 && !self.marks.is_broken(bucket) {
            self.leftovers.unlinked += 1;
            return (next, None);
        }
        (next, Some(Found::Orphan(record)))
    }

    /// The record at `at` that looks whole and touches nothing that a chain has reached.
    fn unreached(&self, at: u32) -> Option<Record> {
        let length = self.source.load32(at + LENGTH_IN_RECORD).ok()?;
        let next = self.source.load32(at + NEXT_IN_RECORD).ok()?;
        let name_length = length & LENGTH_MASK;
        let size = record_size(name_length);
        let whole = length & LENGTH_MARK == LENGTH_MARK
            && (1..=NAME_MAX).contains(&name_length)
            && self.source.holds(at, size)
            && at / PAGE == (at + size) / PAGE
            && (at..at + size).step_by(UNIT as usize).all(|unit| !self.marks.is_covered(unit));
        whole.then_some(Record { offset: at, name_length, next })
    }
}

/// The name of a record: in place if nobody can change it, else copied.
fn name_of<'n, W: ReadWords>(
    words: &'n W,
    record: &Record,
    copy: &'n mut [u8; NAME_MAX as usize],
) -> Result<&'n [u8], Outside> {
    match words.private().and_then(|bytes| bytes.get(record.name_range())) {
        Some(name) => Ok(name),
        None => record.copy_name(words, copy),
    }
}
