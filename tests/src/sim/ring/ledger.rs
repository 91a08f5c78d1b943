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

/// So many things may be read before the call that writes them is over.
const AHEAD: usize = 8;

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

    /// What was given last and will be given again.
    pub(super) fn again(&mut self, last: &[Given]) -> Result<(), String> {
        for item in last.iter().rev() {
            // The call of the writer that it is of may still go on.
            match (*item, self.given.pop_back()) {
                (Given::Event(time), None) => self.written.push_front(Written::Event(time)),
                (Given::Event(_), Some(_)) => {}
                (Given::Losses(count, time), unmatched) => {
                    let unmatched = unmatched.map_or(0, |item| item.losses());
                    // The times of those before the last are not known.
                    (unmatched..count)
                        .for_each(|n| self.written.push_front(Written::Lost(if n == 0 { time } else { 0 })));
                }
            }
        }
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
        // Without this, what is read again and again would make states without end.
        if self.given.len() > AHEAD {
            Err(format!("{:?} were read and not written", self.given))
        } else {
            Ok(())
        }
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
        self.given.iter().fold(hash, |hash, item| item.add_to(hash))
    }
}

impl Given {
    fn losses(self) -> u32 {
        match self {
            Given::Event(_) => 0,
            Given::Losses(count, _) => count,
        }
    }

    pub(super) fn add_to(self, hash: Fingerprint) -> Fingerprint {
        hash.with(match self {
            Given::Event(time) => 0x400 | u64::from(time),
            Given::Losses(count, last) => 0x500 | u64::from(count) << 16 | u64::from(last),
        })
    }
}
