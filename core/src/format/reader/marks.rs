//! What the reader has reached: where records start, which units they cover, which chains are broken.

use crate::format::layout::{BUCKETS, UNIT};

/// Two bits for each unit and one for each bucket.
#[derive(Debug)]
pub(super) struct Marks<'m> {
    starts: &'m mut [u32],
    covered: &'m mut [u32],
    broken: [u32; BUCKETS as usize / 32],
}

impl<'m> Marks<'m> {
    /// No marks, in words that may hold anything; half of them for each kind.
    pub(super) fn new(units: &'m mut [u32]) -> Self {
        units.fill(0);
        let (starts, covered) = units.split_at_mut(units.len() / 2);
        Marks { starts, covered, broken: [0; BUCKETS as usize / 32] }
    }

    /// Marks a unit as the start of a record that has been read.
    pub(super) fn start(&mut self, offset: u32) {
        set(self.starts, offset / UNIT);
    }

    /// Whether a unit is the start of a record that has been read.
    pub(super) fn is_start(&self, offset: u32) -> bool {
        is_set(self.starts, offset / UNIT)
    }

    /// Marks the units of a record; false if one of them belongs to another record already.
    pub(super) fn cover(&mut self, start: u32, end: u32) -> bool {
        let mut alone = true;
        for unit in start / UNIT..end / UNIT {
            alone &= !set(self.covered, unit);
        }
        alone
    }

    /// Whether a unit belongs to a record that has been read.
    pub(super) fn is_covered(&self, offset: u32) -> bool {
        is_set(self.covered, offset / UNIT)
    }

    /// Whether the chain of a bucket has been given up.
    pub(super) fn is_broken(&self, bucket: u32) -> bool {
        is_set(&self.broken, bucket % BUCKETS)
    }

    /// Marks the chain of a bucket as given up.
    pub(super) fn set_broken(&mut self, bucket: u32) {
        set(&mut self.broken, bucket % BUCKETS);
    }
}

fn is_set(words: &[u32], bit: u32) -> bool {
    words.get((bit / 32) as usize).is_some_and(|word| word & 1 << (bit % 32) != 0)
}

/// Sets a bit and says whether it was set before.
fn set(words: &mut [u32], bit: u32) -> bool {
    let Some(word) = words.get_mut((bit / 32) as usize) else { return false };
    let before = *word;
    *word |= 1 << (bit % 32);
    before & 1 << (bit % 32) != 0
}
