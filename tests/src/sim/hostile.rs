//! Memory that lies: what is loaded has nothing to do with what was stored, and two loads of one word
//! differ. All that holds is the contract of the traits: nothing outside the length, which never falls.
//!
//! Answers depend on where they are asked for, so that links mostly look like links and lengths like
//! lengths: code that stops at the first strange word would not get far otherwise. How much of this is
//! told is drawn anew for each seed.

use std::cell::Cell;

use tallymark_core::format::layout::{DEAD, LENGTH_MARK, PAGE, UNIT};
use tallymark_core::port::Full;
use tallymark_core::words::Ordering;
use tallymark_core::{Header, Layout, Outside, ReadWords, Store, Words};

use super::memory::inside;

/// How the memory lies: chances in 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// A word is anything instead of what its place suggests.
    pub wild: u8,
    /// A chain ends.
    pub ends: u8,
    /// A name is the one that is looked for.
    pub echoes: u8,
    /// A place is untouched.
    pub zero: u8,
    /// An exchange succeeds.
    pub agrees: u8,
    /// The file is longer than at the last look.
    pub grows: u8,
}

impl Manner {
    /// All links are good and lead on, all names are the wrong ones: the longest walk.
    pub const ENDLESS: Manner = Manner { wild: 0, ends: 0, echoes: 0, zero: 0, agrees: 128, grows: 0 };

    /// The limit rises before each exchange: the most tries to reserve a place.
    pub const CROWDED: Manner = Manner { wild: 0, ends: 255, echoes: 0, zero: 0, agrees: 0, grows: 0 };
}

/// Memory and store that lie.
#[derive(Debug)]
pub struct Hostile<'a> {
    header: &'a Header,
    /// The name that is looked for.
    name: &'a [u8],
    manner: Manner,
    length: Cell<u32>,
    capacity: u32,
    random: Cell<u64>,
    /// The record whose length was asked for last, so that names can be echoed.
    record: Cell<u32>,
    /// The limit that was told last.
    limit: Cell<u32>,
    operations: Cell<u64>,
    visits: Cell<u64>,
    most: u64,
}

impl<'a> Hostile<'a> {
    /// Memory of `length` bytes that can grow to `capacity`, for code that looks for `name` and must
    /// end after at most so many operations.
    #[must_use]
    pub fn new(header: &'a Header, name: &'a [u8], length: u32, capacity: u32, most: u64, seed: u64) -> Self {
        let memory = Hostile {
            header,
            name,
            manner: Manner::ENDLESS,
            length: Cell::new(length),
            capacity,
            random: Cell::new(seed),
            record: Cell::new(0),
            limit: Cell::new(0),
            operations: Cell::new(0),
            visits: Cell::new(0),
            most,
        };
        let manner = memory.draw_manner();
        memory.with_manner(manner)
    }

    /// The same memory, lying in a given manner.
    #[must_use]
    pub fn with_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// Records that were visited so far: loads of a link in a record.
    #[must_use]
    pub fn visits(&self) -> u64 {
        self.visits.get()
    }

    /// Each chance is often none or small, at times large, so that all mixtures come up.
    fn draw_manner(&self) -> Manner {
        let chance = || [0, 2, 16, 64, 128, 220, 252, 255][self.below(8) as usize];
        let manner = Manner {
            wild: [0, 0, 0, 2, 8, 32, 128, 255][self.below(8) as usize],
            ends: chance(),
            echoes: chance(),
            zero: chance(),
            agrees: chance(),
            grows: [0, 0, 0, 0, 2, 2, 16, 64][self.below(8) as usize],
        };
        // In a large memory a walk must end early, or it takes minutes.
        if self.length.get() > 1 << 20 { Manner { ends: manner.ends.max(16), ..manner } } else { manner }
    }

    /// The next number of a SplitMix64 sequence.
    fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&self, end: u32) -> u32 {
        (self.random() % u64::from(end.max(1))) as u32
    }

    fn happens(&self, chance: u8) -> bool {
        chance == 255 || (self.random() as u8) < chance
    }

    fn layout(&self) -> Layout {
        self.header.layout()
    }

    fn operation(&self, offset: u32, width: u32) -> Result<(), Outside> {
        let count = self.operations.get() + 1;
        assert!(count <= self.most, "more than {} operations: {:?}", self.most, self.manner);
        self.operations.set(count);
        inside(offset, width, self.length.get())
    }

    /// A place where a record can start, mostly inside the memory.
    fn place(&self) -> u32 {
        let first = self.layout().first_record();
        first.saturating_add(self.below(self.length.get().saturating_sub(first) / UNIT) * UNIT)
    }

    fn anything(&self) -> u32 {
        let length = self.length.get();
        match self.below(12) {
            0 | 1 => 0,
            2 => DEAD,
            3 => u32::MAX - self.below(64),
            4 => self.below(64),
            5 => self.below(length / UNIT + 4) * UNIT,
            6 => length.wrapping_add(self.below(5).wrapping_sub(2).wrapping_mul(UNIT)),
            7 => LENGTH_MARK | self.below(4200),
            8 => self.below(1 << 24),
            9 => 1 << self.below(32),
            10 => self.layout().first_record().wrapping_sub(self.below(3) * 16),
            _ => self.random() as u32,
        }
    }

    fn word(&self, offset: u32) -> u32 {
        let layout = self.layout();
        if self.happens(self.manner.wild) && (offset >= layout.limit_at() || self.below(64) == 0) {
            return self.anything();
        }
        if offset < layout.limit_at() {
            let header = self.header.bytes().get(offset as usize..).and_then(|rest| rest.first_chunk());
            return header.copied().map_or(0, u32::from_ne_bytes);
        }
        if offset == layout.limit_at() {
            return self.next_limit();
        }
        if offset < layout.first_record() || offset % UNIT == 12 {
            return if self.happens(self.manner.ends) { 0 } else { self.place() };
        }
        if self.happens(self.manner.zero) {
            return 0;
        }
        if offset % UNIT == 8 {
            self.record.set(offset - 8);
            let echoed = self.happens(self.manner.echoes);
            let length = if echoed { self.name.len() as u32 } else { 1 + self.below(64) };
            return LENGTH_MARK | length;
        }
        let [a, b, c, d, ..] = self.piece_of_name(offset);
        u32::from_ne_bytes([a, b, c, d])
    }

    /// What the name that is looked for has at this place of the record, mostly; else anything.
    fn piece_of_name(&self, offset: u32) -> [u8; 8] {
        let at = offset.wrapping_sub(self.record.get()).wrapping_sub(16) as usize;
        let mut bytes = [0; 8];
        if self.happens(self.manner.echoes) {
            let rest = self.name.get(at..).unwrap_or(&[]);
            let count = rest.len().min(8);
            bytes[..count].copy_from_slice(&rest[..count]);
            bytes
        } else {
            self.random().to_ne_bytes()
        }
    }

    /// A limit one unit past the last one told: so many tries as units are the most.
    fn next_limit(&self) -> u32 {
        let first = self.layout().first_record();
        let next = self.limit.get().max(first - UNIT) + UNIT;
        if next <= self.length.get() {
            self.limit.set(next);
        }
        self.limit.get()
    }

    fn lengthen(&self, to: u32) {
        self.length.set(self.length.get().max(to.min(self.capacity)));
    }
}

impl ReadWords for Hostile<'_> {
    fn length(&self) -> u32 {
        if self.happens(self.manner.grows) {
            self.lengthen(self.length.get().saturating_add(PAGE));
        }
        self.length.get()
    }

    fn load32(&self, offset: u32, _: Ordering) -> Result<u32, Outside> {
        self.operation(offset, 4)?;
        let in_record = offset >= self.layout().first_record();
        self.visits.set(self.visits.get() + u64::from(in_record && offset % UNIT == 12));
        Ok(self.word(offset))
    }

    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        self.operation(offset, 8)?;
        Ok(if self.happens(self.manner.zero) { 0 } else { u64::from_ne_bytes(self.piece_of_name(offset)) })
    }
}

impl Words for Hostile<'_> {
    fn store32(&self, offset: u32, _: u32, _: Ordering) -> Result<(), Outside> {
        self.operation(offset, 4)
    }

    fn store64(&self, offset: u32, _: u64, _: Ordering) -> Result<(), Outside> {
        self.operation(offset, 8)
    }

    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        _: u32,
        _: Ordering,
        _: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        self.operation(offset, 4)?;
        Ok(if self.happens(self.manner.agrees) { Ok(current) } else { Err(self.word(offset)) })
    }

    fn add64(&self, offset: u32, _: u64) -> Result<u64, Outside> {
        self.operation(offset, 8)?;
        Ok(self.random())
    }
}

impl Store for Hostile<'_> {
    type Words = Self;
    type Error = Full;

    fn words(&self) -> &Self {
        self
    }

    /// Grows, fails, or says that it has grown.
    fn grow(&self, to: u32) -> Result<(), Full> {
        match self.below(8) {
            0 => Ok(()),
            1 => Err(Full { need: to, have: self.length.get() }),
            _ => {
                self.lengthen(to);
                Ok(())
            }
        }
    }

    fn remap(&self) -> Result<(), Full> {
        match self.below(4) {
            0 => Ok(()),
            1 => Err(Full { need: 0, have: self.length.get() }),
            _ => {
                self.lengthen(self.length.get().saturating_add(PAGE));
                Ok(())
            }
        }
    }
}
