//! What the reader has reached.

use crate::format::layout::{BUCKETS, UNIT};

/// Which units the chains have reached, and which chains are broken.
#[derive(Debug)]
pub(super) struct Marks<'m> {
    units: &'m mut [u32],
    broken: [u32; BUCKETS as usize / 32],
}

impl<'m> Marks<'m> {
    /// No marks, in words that may hold anything.
    pub(super) fn new(units: &'m mut [u32]) -> Self {
        units.fill(0);
        Marks { units, broken: [0; BUCKETS as usize / 32] }
    }

    pub(super) fn is_set(&self, offset: u32) -> bool {
        let unit = offset / UNIT;
        self.units.get((unit / 32) as usize).is_some_and(|word| word & 1 << (unit % 32) != 0)
    }

    /// Marks `start..end`; changes nothing and returns false if a part of it is marked already.
    pub(super) fn claim(&mut self, start: u32, end: u32) -> bool {
        if (start..end).step_by(UNIT as usize).any(|unit| self.is_set(unit)) {
            return false;
        }
        for unit in start / UNIT..end / UNIT {
            if let Some(word) = self.units.get_mut((unit / 32) as usize) {
                *word |= 1 << (unit % 32);
            }
        }
        true
    }

    pub(super) fn is_broken(&self, bucket: u32) -> bool {
        self.broken[(bucket % BUCKETS / 32) as usize] & 1 << (bucket % 32) != 0
    }

    pub(super) fn set_broken(&mut self, bucket: u32) {
        self.broken[(bucket % BUCKETS / 32) as usize] |= 1 << (bucket % 32);
    }
}
