//! Memory that lies: every load answers something else, chosen to lead a walk on as long as it can.

use std::cell::Cell;

use tallymark_core::port::Full;
use tallymark_core::words::Ordering;
use tallymark_core::{Header, Outside, ReadWords, Store, Words};

use crate::sim::memory::inside;

/// Words that change between two loads. Only the header is what it is, so that a file can be opened.
#[derive(Debug)]
pub struct Hostile {
    header: Header,
    length: u32,
    /// Most places look as if they were not in use; else most look like records.
    is_empty: bool,
    random: Cell<u64>,
    operations: Cell<u64>,
}

impl Hostile {
    /// Memory of `length` bytes; the same seed lies the same way.
    #[must_use]
    pub fn new(header: &Header, length: u32, seed: u64) -> Self {
        let random = Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Hostile {
            header: header.clone(),
            length,
            is_empty: seed.is_multiple_of(2),
            random,
            operations: Cell::new(0),
        }
    }

    /// Memory operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    fn next(&self) -> u64 {
        // xorshift64
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }

    fn lie(&self, offset: u32) -> u32 {
        self.operations.set(self.operations.get() + 1);
        let header = self.header.bytes().get(offset as usize..).and_then(|rest| rest.first_chunk());
        if let Some(word) = header {
            return u32::from_ne_bytes(*word);
        }
        let random = self.next();
        let layout = self.header.layout();
        let records = (self.length - layout.first_record()) / 32;
        let record = layout.first_record() + (random >> 32) as u32 % records * 32;
        match (random % 2048, offset % 32) {
            (0, _) => 0,
            (1, _) => u32::MAX,
            (2, _) => record + 4,
            (3, _) => self.length,
            (4, _) => (random >> 16) as u32,
            _ if offset == layout.limit_at() => record,
            _ if offset < layout.table_end() && !self.is_empty => record,
            // What a place that is not in use holds.
            _ if self.is_empty => 0,
            // Some length: now and then that of the name that is looked for.
            (_, 8) => 0xff00_0000 | (1 + (random >> 40) as u32 % 40),
            // A link: the walk goes on.
            (_, 12) => record,
            _ => random as u32,
        }
    }
}

impl ReadWords for Hostile {
    fn length(&self) -> u32 {
        self.length
    }

    fn load32(&self, offset: u32, _: Ordering) -> Result<u32, Outside> {
        inside(offset, 4, self.length).map(|()| self.lie(offset))
    }

    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        inside(offset, 8, self.length)?;
        Ok(u64::from(self.lie(offset)) * (self.next() % 2))
    }
}

impl Words for Hostile {
    fn store32(&self, offset: u32, _: u32, _: Ordering) -> Result<(), Outside> {
        inside(offset, 4, self.length).map(|()| {
            self.lie(offset);
        })
    }

    fn store64(&self, offset: u32, _: u64, _: Ordering) -> Result<(), Outside> {
        inside(offset, 8, self.length).map(|()| {
            self.lie(offset);
        })
    }

    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        _: u32,
        _: Ordering,
        _: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        inside(offset, 4, self.length)?;
        let found = self.lie(offset);
        Ok(if self.next().is_multiple_of(8) { Ok(current) } else { Err(found) })
    }

    fn add64(&self, offset: u32, _: u64) -> Result<u64, Outside> {
        inside(offset, 8, self.length).map(|()| self.lie(offset).into())
    }
}

impl Store for Hostile {
    type Words = Self;
    type Error = Full;

    fn words(&self) -> &Self {
        self
    }

    /// Says that it has grown, and has not.
    fn grow(&self, _: u32) -> Result<(), Full> {
        Ok(())
    }

    fn remap(&self) -> Result<(), Full> {
        Ok(())
    }
}
