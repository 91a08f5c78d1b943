//! The insertion protocol between processes: look up, reserve, write, publish, look again.
//!
//! Format document, section 5. No lock is taken anywhere, and a process that dies between any two
//! operations leaves at worst an unused place. What needs the operating system comes out as a result:
//! [`Step::Grow`], [`Step::Remap`].

use crate::fault::{Fault, Rule};
use crate::format::layout::{END, LENGTH_IN_RECORD, Layout, NEXT_IN_RECORD, PAGE, UNIT, checked_round_up};
use crate::format::name::Name;
use crate::format::record::{Unreadable, entry_at, is_untouched, mark_dead, set_next, write_entry_at};
use crate::words::{Ordering, Outside, Words};

/// A counter in a file: the offset of a published record. It stays good as long as the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(u32);

impl Slot {
    /// Offset of the record in bytes, and of its 64-bit value.
    #[must_use]
    pub const fn offset(self) -> u32 {
        self.0
    }
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The name is in the file, at this slot.
    Found(Slot),
    /// Make the file and the memory at least this long (a multiple of 16384), then try again.
    Grow {
        /// Length in bytes.
        to: u32,
    },
    /// The file names a place past the memory: another process has made the file longer. Take the
    /// new length into the memory, then try again. If the file is no longer than the memory, it is
    /// damaged, and `fault` says how.
    Remap {
        /// What is wrong if the file cannot be mapped further.
        fault: Fault,
    },
}

/// A counter file in memory: where its parts are, and the protocol on them.
#[derive(Clone, Copy, Debug)]
pub struct Table<W> {
    words: W,
    layout: Layout,
}

/// Why a walk along a chain ended early.
enum Stop {
    Remap(Fault),
    Fault(Fault),
}

/// What a reservation gave.
enum Reservation {
    At(u32),
    Step(Step),
}

impl From<Outside> for Stop {
    /// A word that has been checked before is gone. No memory that keeps its contract does this.
    fn from(Outside { offset }: Outside) -> Stop {
        Stop::Fault(Fault { offset, value: 0, rule: Rule::FileLength })
    }
}

impl Stop {
    fn step(self) -> Result<Step, Fault> {
        match self {
            Stop::Remap(fault) => Ok(Step::Remap { fault }),
            Stop::Fault(fault) => Err(fault),
        }
    }
}

impl<W: Words> Table<W> {
    /// A table over `words`, whose header the caller has checked.
    #[must_use]
    pub const fn new(words: W, layout: Layout) -> Self {
        Table { words, layout }
    }

    /// The memory.
    #[must_use]
    pub const fn words(&self) -> &W {
        &self.words
    }

    /// Where the parts of the file are.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Looks for a counter; `Ok(None)` if the file has none of this name.
    ///
    /// Bound: at most one load of the bucket and two visits for each 32 bytes of memory.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the chain, also where [`Table::new_counter`] would ask for [`Step::Remap`].
    pub fn lookup(&self, name: &Name<'_>) -> Result<Option<Slot>, Fault> {
        let mut visits = self.visits();
        let found = self
            .head(self.layout.bucket_at(name.bucket()))
            .and_then(|head| self.walk(name, head, END, &mut visits));
        match found {
            Ok(slot) => Ok(slot),
            Err(Stop::Remap(fault) | Stop::Fault(fault)) => Err(fault),
        }
    }

    /// Finds a counter or makes it with value 0.
    ///
    /// Lock-free. Bound: two visits for each 32 bytes of memory, and one try for each reservation that
    /// another process made meanwhile; the limit only rises, so these are finite too.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the chain of the name or the limit is damaged. The file is not changed then,
    /// except that a place may be left unused.
    pub fn new_counter(&self, name: &Name<'_>) -> Result<Step, Fault> {
        self.insert(name).or_else(Stop::step)
    }

    fn insert(&self, name: &Name<'_>) -> Result<Step, Stop> {
        let mut visits = self.visits();
        let bucket = self.layout.bucket_at(name.bucket());
        let head = self.head(bucket)?;
        if let Some(slot) = self.walk(name, head, END, &mut visits)? {
            return Ok(Step::Found(slot));
        }
        let start = match self.reserve(name.length())? {
            Reservation::At(start) => start,
            Reservation::Step(step) => return Ok(step),
        };
        write_entry_at(&self.words, start, name)?;
        let published = self.publish(name, bucket, head, start, &mut visits);
        if !matches!(published, Ok(slot) if slot == Slot(start)) {
            mark_dead(&self.words, start)?;
        }
        published.map(Step::Found)
    }

    /// Reserves an untouched place for a name of `name_length` bytes.
    fn reserve(&self, name_length: u32) -> Result<Reservation, Stop> {
        let at = self.layout.limit_at();
        // ORDER: Relaxed, here and for the exchange below. The exchange alone makes the place ours;
        // nothing is read through the limit but its own value.
        let mut limit = self.words.load32(at, Ordering::Relaxed)?;
        loop {
            self.check_limit(limit)?;
            let too_far = Fault { offset: at, value: limit.into(), rule: Rule::LimitInFile };
            let place = self.layout.place(limit, name_length).ok_or(Stop::Fault(too_far))?;
            if place.end > self.words.length() {
                let to = checked_round_up(place.end, PAGE).ok_or(Stop::Fault(too_far))?;
                return Ok(Reservation::Step(Step::Grow { to }));
            }
            // ORDER: Relaxed. As above.
            limit = match self.words.compare_exchange32(
                at,
                limit,
                place.end,
                Ordering::Relaxed,
                Ordering::Relaxed,
            )? {
                Ok(_) if is_untouched(&self.words, place.start, name_length)? => {
                    return Ok(Reservation::At(place.start));
                }
                // The limit had gone back below records that exist. They are left as they are.
                Ok(_) => place.end,
                Err(found) if found > limit => found,
                Err(found) => {
                    let value = found.into();
                    return Err(Stop::Fault(Fault { offset: at, value, rule: Rule::LimitRises }));
                }
            };
        }
    }

    fn check_limit(&self, limit: u32) -> Result<(), Stop> {
        let fault = |rule| Fault { offset: self.layout.limit_at(), value: limit.into(), rule };
        if !limit.is_multiple_of(UNIT) {
            return Err(Stop::Fault(fault(Rule::LimitAligned)));
        }
        if limit != 0 && limit < self.layout.first_record() {
            return Err(Stop::Fault(fault(Rule::LimitRange)));
        }
        if limit > self.words.length() {
            return Err(Stop::Remap(fault(Rule::LimitInFile)));
        }
        Ok(())
    }

    /// Links the record at `start` in front of `head`, unless its name has appeared meanwhile.
    fn publish(
        &self,
        name: &Name<'_>,
        bucket: u32,
        mut head: u32,
        start: u32,
        visits: &mut u32,
    ) -> Result<Slot, Stop> {
        loop {
            set_next(&self.words, start, head)?;
            // ORDER: Release on success. Publishes value, length, name and link; pairs with the
            // Acquire in `head`. Acquire on failure: pairs with the Release of the process that came
            // first, whose record is walked next. Weaker fails the loom test `publish`.
            let exchanged =
                self.words.compare_exchange32(bucket, head, start, Ordering::Release, Ordering::Acquire)?;
            let Err(seen) = exchanged else { return Ok(Slot(start)) };
            if let Some(other) = self.walk(name, seen, head, visits)? {
                return Ok(other);
            }
            // Each turn is one more record in the chain, so hostile memory runs out of visits.
            self.visit(visits, bucket, seen)?;
            head = seen;
        }
    }

    fn head(&self, bucket: u32) -> Result<u32, Stop> {
        // ORDER: Acquire. Pairs with the Release that published the head of the chain, and through
        // the release sequence of the bucket with those of all records behind it. Weaker fails the
        // loom test `publish`.
        Ok(self.words.load32(bucket, Ordering::Acquire)?)
    }

    /// Looks for `name` in the chain from `from` to `until`, which is not visited.
    fn walk(&self, name: &Name<'_>, from: u32, until: u32, visits: &mut u32) -> Result<Option<Slot>, Stop> {
        let mut link_at = self.layout.bucket_at(name.bucket());
        let mut link = from;
        while link != until {
            let fault = |rule| Fault { offset: link_at, value: link.into(), rule };
            if link == END {
                return Err(Stop::Fault(fault(Rule::ChainKeepsHead)));
            }
            self.visit(visits, link_at, link)?;
            let record = entry_at(&self.words, self.layout, link).map_err(|unreadable| match unreadable {
                Unreadable::Link(rule) => Stop::Fault(fault(rule)),
                Unreadable::Beyond { .. } => Stop::Remap(fault(Rule::LinkInFile)),
                Unreadable::NameLength(length) => Stop::Fault(Fault {
                    offset: link + LENGTH_IN_RECORD,
                    value: length.into(),
                    rule: Rule::NameLength,
                }),
            })?;
            if record.has_name(&self.words, name.bytes())? {
                return Ok(Some(Slot(link)));
            }
            link_at = link + NEXT_IN_RECORD;
            link = record.next;
        }
        Ok(None)
    }

    /// Twice the records the memory can hold: more visits than this mean a ring. Twice, because a
    /// record that appears during an insertion is counted as a new head and when it is walked.
    fn visits(&self) -> u32 {
        self.words.length() / UNIT * 2
    }

    fn visit(&self, left: &mut u32, link_at: u32, link: u32) -> Result<(), Stop> {
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Ok(())
            }
            None => Err(Stop::Fault(Fault { offset: link_at, value: link.into(), rule: Rule::LinkOnce })),
        }
    }

    /// Adds `n` to a counter of this table, stopping at `u64::MAX`, and returns the value before.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the slot is of another, longer file.
    pub fn add(&self, slot: Slot, n: u64) -> Result<u64, Outside> {
        self.words.add64(slot.0, n)
    }

    /// The value of a counter of this table.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the slot is of another, longer file.
    pub fn value(&self, slot: Slot) -> Result<u64, Outside> {
        // ORDER: Relaxed. A count orders nothing.
        self.words.load64(slot.0, Ordering::Relaxed)
    }
}
