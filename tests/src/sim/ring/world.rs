//! The memory of a ring and the kernel, as a simulator sees them: what each end has stored waits in a
//! buffer of its own until it is seen by the other, oldest first, as on x86.

use std::fmt;

use tallymark_core::ring::Index;
use tallymark_core::ring::halves::Half;
use tallymark_core::ring::memory::{Word32, Word64};

use crate::sim::explorer::Fingerprint;

/// Who acts.
pub(super) const WRITER: usize = 0;
/// The other end.
pub(super) const READER: usize = 1;

/// Words of events, and tags, that the ring has room for.
pub(super) const DATA: usize = 8;
pub(super) const TAGS: usize = 4;

/// A word among the control words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control(pub(super) u8);

/// Control words.
pub(super) const CONTROLS: usize = 24;

/// The only control word that both ends store.
pub(super) const SLEEPING: Control = Control(4);

/// Their names, for people.
pub(super) const NAMES: [&str; CONTROLS] = [
    "end",
    "turn",
    "taken",
    "done turn",
    "sleeping",
    "written",
    "read",
    "lost 0",
    "last 0",
    "lost 1",
    "last 1",
    "told 0",
    "told last 0",
    "done 0",
    "told 1",
    "told last 1",
    "done 1",
    "written low",
    "written high",
    "next low",
    "next high",
    "read low",
    "read high",
    "written lost",
];

/// Behind the last event.
pub(super) const WRITTEN: Control = Control(5);

/// Its high half, where it has halves.
pub(super) const WRITTEN_HIGH: Control = Control(18);

/// Given back.
pub(super) const READ: Control = Control(6);

/// No more to come.
pub(super) const END_OF_STREAM: Control = Control(0);

impl Control {
    pub(super) fn of32(word: Word32) -> Control {
        Control(match word {
            Word32::EndOfStream => END_OF_STREAM.0,
            Word32::LossTurn => 1,
            Word32::TakenLost => 2,
            Word32::DoneTurn => 3,
            Word32::WrittenLost => 23,
            Word32::Sleeping => SLEEPING.0,
        })
    }

    /// `None`: of the sums only the counts and the last time are kept.
    pub(super) fn of64(word: Word64) -> Option<Control> {
        Some(Control(match word {
            Word64::Written => WRITTEN.0,
            Word64::Read => READ.0,
            Word64::Loss(copy, 0) => 7 + 2 * copy,
            Word64::Loss(copy, 2) => 8 + 2 * copy,
            Word64::Done(copy, 0) => 11 + 3 * copy,
            Word64::Done(copy, 2) => 12 + 3 * copy,
            Word64::Done(copy, 5) => 13 + 3 * copy,
            Word64::Loss(..) | Word64::Done(..) => return None,
        }))
    }

    /// A half of `Written` or `Read`.
    pub(super) fn of_half(word: Word64, half: Half) -> Control {
        Control(if word == Word64::Read { 21 } else { 17 } + half as u8)
    }

    /// Whether this end is the only one that stores it.
    pub(super) fn is_of(self, actor: usize) -> bool {
        let is_readers = matches!(self.0, 2 | 3 | 6 | 11..=16 | 21 | 22);
        self != SLEEPING && is_readers == (actor == READER)
    }
}

/// A store that the other end does not see yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Word(Control, u64),
    Record(u32, Vec<u64>),
    Tag(u32, u64),
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pending::Word(word, value) => write!(f, "{} = {value:#x}", NAMES[word.0 as usize]),
            Pending::Record(place, words) => write!(f, "event {words:x?} at {place}"),
            Pending::Tag(place, tag) => write!(f, "tag {tag} at {place}"),
        }
    }
}

/// Where the reader's thread is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Thread {
    #[default]
    Awake,
    Asleep,
    Woken,
}

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) controls: [u64; CONTROLS],
    pub(super) data: [u64; DATA],
    pub(super) tags: [u64; TAGS],
    pub(super) buffers: [Vec<Pending>; 2],
    pub(super) thread: Thread,
    /// Stores of each end that came along with its last step: it may be that it has not got to them.
    pub(super) fresh: [usize; 2],
    /// `Written` and `Read` have halves.
    pub(super) has_halves: bool,
    /// Stores of the writer that will be visible before a short sleep is over.
    pub(super) unsettled: usize,
    /// Words that the reader has been given: the count behind them, and how many. Losses are left out.
    pub(super) lent: (u32, u32),
    pub(super) broken: Option<&'static str>,
}

impl World {
    /// The word as an end sees it: its own latest store, else what is in memory.
    pub(super) fn seen(&self, actor: usize, word: Control) -> u64 {
        let own = self.buffers[actor].iter().rev().find_map(|store| match store {
            Pending::Word(at, value) if *at == word => Some(*value),
            _ => None,
        });
        own.unwrap_or(self.controls[word.0 as usize])
    }

    /// `Written` or `Read`, as it is in memory.
    pub(super) fn index(&self, word: Word64) -> Index {
        let at = |control: Control| self.controls[control.0 as usize];
        Index::from_bits(if self.has_halves {
            at(Control::of_half(word, Half::High)) << 32 | at(Control::of_half(word, Half::Low))
        } else {
            at(if word == Word64::Read { READ } else { WRITTEN })
        })
    }

    /// Lets both ends begin here.
    pub(super) fn start_at(&mut self, start: Index) {
        let mut set = |control: Control, value| self.controls[control.0 as usize] = value;
        for word in [Word64::Written, Word64::Read, Word64::Done(0, 5)] {
            Control::of64(word).into_iter().for_each(|control| set(control, start.bits()));
        }
        let (low, high) = (start.bits() & u64::from(u32::MAX), start.bits() >> 32);
        for (half, value) in
            [(Half::Low, low), (Half::High, high), (Half::NextLow, low), (Half::NextHigh, high)]
        {
            set(Control::of_half(Word64::Written, half), value);
        }
        set(Control::of_half(Word64::Read, Half::Low), low);
        set(Control::of_half(Word64::Read, Half::High), high);
    }

    /// The losses that the writer has published.
    pub(super) fn lost(&self) -> u64 {
        let turn = self.seen(WRITER, Control::of32(Word32::LossTurn));
        let copy = Word64::Loss((turn & 1) as u8, 0);
        Control::of64(copy).map_or(0, |word| self.seen(WRITER, word))
    }

    /// The oldest store of an end becomes visible: which one, for people.
    pub(super) fn flush(&mut self, actor: usize) -> Pending {
        let store = self.buffers[actor].remove(0);
        match store.clone() {
            Pending::Word(word, value) => self.controls[word.0 as usize] = value,
            Pending::Tag(place, tag) => self.tags[place as usize] = tag,
            Pending::Record(place, words) if place as usize + words.len() > DATA => {
                self.broken = Some("words are written past the end");
            }
            Pending::Record(place, words) => {
                let place = place as usize;
                let (behind, count) = self.lent;
                let lent = |at: &usize| (1..=count).any(|n| behind.wrapping_sub(n) as usize % DATA == *at);
                if (place..place + words.len()).any(|at| lent(&at)) {
                    self.broken = Some("words are written while the reader has them");
                }
                self.data[place..place + words.len()].copy_from_slice(&words);
            }
        }
        if actor == WRITER {
            self.unsettled = self.unsettled.saturating_sub(1);
        }
        self.fresh[actor] = self.fresh[actor].min(self.buffers[actor].len());
        store
    }

    pub(super) fn fingerprint(&self, mut hash: Fingerprint) -> Fingerprint {
        for &word in self.controls.iter().chain(&self.data).chain(&self.tags) {
            hash = hash.with(word);
        }
        for buffer in &self.buffers {
            hash = hash.with(buffer.len() as u64);
            for store in buffer {
                hash = match store {
                    Pending::Word(word, value) => hash.with(u64::from(word.0)).with(*value),
                    Pending::Tag(place, tag) => hash.with(100 + u64::from(*place)).with(*tag),
                    Pending::Record(place, words) => words
                        .iter()
                        .fold(hash.with(200 + u64::from(*place)).with(words.len() as u64), |hash, &word| {
                            hash.with(word)
                        }),
                };
            }
        }
        let rest = (self.thread as u64) << 32
            | (self.fresh[WRITER] as u64) << 24
            | (self.fresh[READER] as u64) << 16
            | (self.unsettled as u64) << 1
            | u64::from(self.broken.is_some());
        hash.with(rest).with(u64::from(self.lent.0) << 32 | u64::from(self.lent.1))
    }
}
