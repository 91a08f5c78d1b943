//! What was written and lost beside what was read: only where the two differ in length is anything kept.

use std::collections::VecDeque;

use crate::sim::explorer::Fingerprint;

/// One thing of the stream, by the time of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// An event was written.
    Event(u8),
    /// An event was lost.
    Lost(u8),
    /// The writer stopped in the middle of an event: it was written or not.
    Perhaps(u8),
}

/// One thing that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// An event.
    Event(u8),
    /// So many losses, and the time of the last.
    Losses(u32, u8),
}

/// What one side has and the other has not yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    written: VecDeque<Written>,
    given: VecDeque<Given>,
}

impl Ledger {
    /// What one call of the writer came to.
    pub(super) fn write(&mut self, written: impl Iterator<Item = Written>) -> Result<(), String> {
        self.written.extend(written);
        self.compare()
    }

    pub(super) fn give(&mut self, given: Given) -> Result<(), String> {
        self.given.push_back(given);
        self.compare()
    }

    fn compare(&mut self) -> Result<(), String> {
        while let (Some(&written), Some(&given)) = (self.written.front(), self.given.front()) {
            match (written, given) {
                (Written::Event(time), Given::Event(read)) if time == read => {
                    self.given.pop_front();
                    self.written.pop_front();
                }
                (Written::Lost(time), Given::Losses(count, last)) if count > 1 || time == last => {
                    self.written.pop_front();
                    self.given[0] = Given::Losses(count - 1, last);
                    if count == 1 {
                        self.given.pop_front();
                    }
                }
                (Written::Perhaps(time), _) => {
                    self.written.pop_front();
                    if given == Given::Event(time) {
                        self.given.pop_front();
                    }
                }
                _ => return Err(format!("read {given:?} where {written:?} was written")),
            }
        }
        Ok(())
    }

    /// What was written or lost for certain, and is not read; and what was read and never written.
    pub(super) fn rest(&self) -> (usize, usize) {
        (self.written.iter().filter(|item| !matches!(item, Written::Perhaps(_))).count(), self.given.len())
    }

    /// Whether a loss is not read.
    pub(super) fn has_loss(&self) -> bool {
        self.written.iter().any(|item| matches!(item, Written::Lost(_)))
    }

    pub(super) fn fingerprint(&self, mut hash: Fingerprint) -> Fingerprint {
        for item in &self.written {
            hash = hash.with(match *item {
                Written::Event(time) => 0x100 | u64::from(time),
                Written::Lost(time) => 0x200 | u64::from(time),
                Written::Perhaps(time) => 0x300 | u64::from(time),
            });
        }
        for item in &self.given {
            hash = hash.with(match *item {
                Given::Event(time) => 0x400 | u64::from(time),
                Given::Losses(count, last) => 0x500 | u64::from(count) << 16 | u64::from(last),
            });
        }
        hash
    }
}
