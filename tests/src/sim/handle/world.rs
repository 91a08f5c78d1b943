//! The memory that the actors share.

use crate::sim::explorer::Fingerprint;

/// Files at most.
const FILES: usize = 5;
/// Handles at most.
const HANDLES: usize = 2;

/// A word: small numbers for states, links and nodes (see `stepping`).
type Word = u8;

/// The words of handles, list, gate and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub(super) handles: u8,
    /// 0 fresh, 1 waiting, else 2 + count.
    pub(super) states: [Word; HANDLES],
    pub(super) pending: [u8; HANDLES],
    /// 0 unset, 1 end, else 2 + handle.
    pub(super) links: [Word; HANDLES],
    pub(super) head: Word,
    /// 0 open, 1 shut, 2 noted.
    pub(super) gate: Word,
    /// 0 none, else 1 + file.
    pub(super) open: Word,
    /// Files that have been opened so far.
    pub(super) files: u8,
    pub(super) counts: [u8; FILES * HANDLES],
    /// Counts that have been made.
    pub(super) made: u8,
    broken: Option<&'static str>,
}

impl World {
    pub(super) fn new(handles: u8, open: bool) -> Self {
        World {
            handles,
            states: [0; HANDLES],
            pending: [0; HANDLES],
            links: [0; HANDLES],
            head: 1,
            gate: 0,
            open: u8::from(open),
            files: u8::from(open),
            counts: [0; FILES * HANDLES],
            made: 0,
            broken: None,
        }
    }

    /// Notes what does not hold; the next check says so.
    pub(super) fn expect(&mut self, holds: bool, otherwise: &'static str) {
        if !holds {
            self.broken = Some(otherwise);
        }
    }

    pub(super) fn landed(&self) -> u8 {
        self.counts.iter().sum()
    }

    pub(super) fn pending(&self) -> u8 {
        self.pending.iter().sum()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }

    /// What waits in handles that have a place.
    pub(super) fn waits_beside_its_place(&self) -> u8 {
        let handles = self.states.iter().zip(self.pending);
        handles.filter(|&(&state, _)| state >= 2).map(|(_, pending)| pending).sum()
    }

    /// No handle has a place in a file that is not open.
    pub(super) fn has_left_old_files(&self) -> bool {
        let places = self.states.iter().filter_map(|state| state.checked_sub(2));
        places.into_iter().all(|count| count / 2 + 1 == self.open)
    }

    /// The list has no ring and no handle twice, and whoever has left `Fresh` is in it.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(what) = self.broken {
            return Err(what.to_owned());
        }
        let (mut at, mut seen) = (self.head, [false; HANDLES]);
        while let Some(handle) = at.checked_sub(2) {
            if std::mem::replace(&mut seen[handle as usize], true) {
                return Err(format!("handle {handle} is in the list twice"));
            }
            at = self.links[handle as usize];
        }
        if at != 1 {
            return Err("the list has no end".to_owned());
        }
        for (handle, is_listed) in seen.into_iter().enumerate() {
            if self.states[handle] != 0 && !is_listed {
                return Err(format!("handle {handle} is used and not in the list"));
            }
        }
        Ok(())
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Fingerprint::new();
        let words = [self.head, self.gate, self.open, self.files, self.made];
        let all =
            words.iter().chain(&self.states).chain(&self.pending).chain(&self.links).chain(&self.counts);
        let mut number = 0u64;
        for (index, &word) in all.enumerate() {
            number = number << 8 | u64::from(word);
            if index % 8 == 7 {
                hash = hash.with(number);
                number = 0;
            }
        }
        hash.with(number).with(self.broken.map_or(0, |what| what.len() as u64))
    }
}
