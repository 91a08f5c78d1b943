//! Words made of loom's atomics: loom runs the protocol in every order that the memory model allows,
//! stale loads included. Orderings can be weakened, to see that the protocol then fails.

use loom::sync::atomic::{AtomicU32, AtomicU64};
use tallymark_core::port::Full;
use tallymark_core::words::Ordering;
use tallymark_core::{Header, Outside, ReadWords, Store, Words};

use crate::sim::memory::inside;

/// Length of the file in bytes.
const LENGTH: u32 = 16384;

/// Which orderings are made Relaxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weakened {
    /// The Release that publishes a record.
    pub publication: bool,
    /// The Acquire of a bucket's head.
    pub head: bool,
    /// The Acquire when the publication failed.
    pub failure: bool,
}

/// A file of one page of which a few words can change.
#[derive(Debug)]
pub struct LoomWords {
    header: Header,
    /// Limit, then buckets: offsets and cells.
    singles: Vec<(u32, AtomicU32)>,
    /// Where the units begin, and for each its value and its six other words.
    units_at: u32,
    values: Vec<AtomicU64>,
    others: Vec<AtomicU32>,
    weakened: Weakened,
}

impl LoomWords {
    /// An empty file with room for `units` records of one unit, in these buckets.
    #[must_use]
    pub fn new(header: &Header, buckets: &[u32], units: usize, weakened: Weakened) -> Self {
        let layout = header.layout();
        let offsets = buckets.iter().map(|&bucket| layout.bucket_at(bucket));
        LoomWords {
            header: header.clone(),
            singles: std::iter::once(layout.limit_at())
                .chain(offsets)
                .map(|at| (at, AtomicU32::new(0)))
                .collect(),
            units_at: layout.first_record(),
            values: (0..units).map(|_| AtomicU64::new(0)).collect(),
            others: (0..units * 6).map(|_| AtomicU32::new(0)).collect(),
            weakened,
        }
    }

    fn word(&self, offset: u32) -> Option<&AtomicU32> {
        if let Some((_, word)) = self.singles.iter().find(|(at, _)| *at == offset) {
            return Some(word);
        }
        let within = offset.checked_sub(self.units_at)?;
        let (unit, word) = (within / 32, within % 32 / 4);
        self.others.get((unit * 6 + word.checked_sub(2)?) as usize)
    }

    fn wide(&self, offset: u32) -> Option<&AtomicU64> {
        let within = offset.checked_sub(self.units_at)?;
        self.values.get((within / 32) as usize).filter(|_| within.is_multiple_of(32))
    }
}

impl ReadWords for LoomWords {
    fn length(&self) -> u32 {
        LENGTH
    }

    fn load32(&self, offset: u32, order: Ordering) -> Result<u32, Outside> {
        inside(offset, 4, LENGTH)?;
        let order = if self.weakened.head { Ordering::Relaxed } else { order };
        let constant = || {
            let bytes = self.header.bytes().get(offset as usize..).and_then(|rest| rest.first_chunk());
            bytes.copied().map_or(0, u32::from_ne_bytes)
        };
        Ok(self.word(offset).map_or_else(constant, |word| word.load(order)))
    }

    fn load64(&self, offset: u32, order: Ordering) -> Result<u64, Outside> {
        inside(offset, 8, LENGTH)?;
        Ok(self.wide(offset).map_or(0, |word| word.load(order)))
    }
}

impl Words for LoomWords {
    fn store32(&self, offset: u32, value: u32, order: Ordering) -> Result<(), Outside> {
        self.word(offset).ok_or(Outside { offset })?.store(value, order);
        Ok(())
    }

    fn store64(&self, offset: u32, value: u64, order: Ordering) -> Result<(), Outside> {
        self.wide(offset).ok_or(Outside { offset })?.store(value, order);
        Ok(())
    }

    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        let success = if self.weakened.publication { Ordering::Relaxed } else { success };
        let failure = if self.weakened.failure { Ordering::Relaxed } else { failure };
        let word = self.word(offset).ok_or(Outside { offset })?;
        Ok(word.compare_exchange(current, new, success, failure))
    }

    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        // ORDER: Relaxed, as in the core. The sums here stay far from the end.
        Ok(self.wide(offset).ok_or(Outside { offset })?.fetch_add(n, Ordering::Relaxed))
    }
}

impl Store for LoomWords {
    type Words = Self;
    type Error = Full;

    fn words(&self) -> &Self {
        self
    }

    fn grow(&self, to: u32) -> Result<(), Full> {
        Err(Full { need: to, have: LENGTH })
    }

    fn remap(&self) -> Result<(), Full> {
        Ok(())
    }
}
