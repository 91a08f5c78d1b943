//! What was lost: sums that only grow, published by the writer without an exchange.
//!
//! Go keeps one pending loss in a word that both ends change by compare-and-swap. Here the writer adds
//! up all that was ever lost and the reader keeps the sums that it has told of; the difference is what
//! waits. Nobody takes anything away from the other, so nothing can be taken twice or half.
//!
//! The sums lie in two copies. The writer fills the one that is not current, then makes it current by
//! raising the turn. A writer that dies in between leaves the other copy as it was.

use core::sync::atomic::Ordering;

use super::memory::{Memory, Word32, Word64};

/// Why an event was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is no room until the reader gives some back, or tells of the losses before.
    Full,
    /// The event does not fit an empty ring where it would stand, or its header is longer than the
    /// ring's. An event of at most half the ring always fits an empty one.
    TooLarge,
    /// The writer was interrupted by itself: a signal handler in the middle of a write.
    Nested,
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Reason::Full => "the ring is full",
            Reason::TooLarge => "the event is too large for the ring",
            Reason::Nested => "the writer has interrupted itself",
        })
    }
}

impl core::error::Error for Reason {}

/// Events that were lost at one place of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// How many. Stops at `u32::MAX`, as in Go.
    pub count: u32,
    /// How many of them were [`Reason::TooLarge`], modulo 2^31.
    pub too_large: u32,
    /// How many of them were [`Reason::Nested`].
    pub nested: u32,
    /// Time of the first. If the reader told of a part of this run of losses before: the last time of
    /// that part, which is not later than the first time of this one.
    pub first_time: u64,
    /// Time of the last.
    pub last_time: u64,
    /// Sum of the first header words, modulo 2^64; 0 in a ring without header words.
    pub weight: u64,
}

impl Loss {
    /// How many were [`Reason::Full`].
    #[must_use]
    pub const fn full(&self) -> u32 {
        self.count.saturating_sub(self.too_large).saturating_sub(self.nested)
    }
}

/// Too large events are counted modulo 2^31: the bits that are free beside a length.
pub(super) const TOO_LARGE_MASK: u32 = (1 << 31) - 1;

/// Sums of all that was lost since the ring was made, and the times of the latest run of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Events, modulo 2^32.
    pub lost: u32,
    /// Events too large, modulo 2^31.
    pub too_large: u32,
    /// Events of nested writers, modulo 2^32.
    pub nested: u32,
    /// First header words, modulo 2^64.
    pub weight: u64,
    /// Time of the first loss of the run.
    pub first_time: u64,
    /// Time of the last loss.
    pub last_time: u64,
}

/// Words of a copy: both counts, weight, last time; and two that change seldom, the events too large and
/// the first time.
pub(super) const WORDS: u8 = 5;

impl Sums {
    /// What was lost beyond `taken`, or `None` if nothing.
    #[must_use]
    pub fn since(&self, taken: &Sums) -> Option<Loss> {
        let count = self.lost.wrapping_sub(taken.lost);
        // Part of this run was told of: its first time with it.
        let is_rest = taken.first_time == self.first_time && taken.lost != 0;
        (count != 0).then(|| Loss {
            count,
            too_large: self.too_large.wrapping_sub(taken.too_large) & TOO_LARGE_MASK,
            nested: self.nested.wrapping_sub(taken.nested),
            first_time: if is_rest { taken.last_time } else { self.first_time },
            last_time: self.last_time,
            weight: self.weight.wrapping_sub(taken.weight),
        })
    }

    pub(super) fn from_words(words: [u64; WORDS as usize]) -> Sums {
        let [counts, weight, last_time, too_large, first_time] = words;
        Sums {
            lost: counts as u32,
            too_large: too_large as u32 & TOO_LARGE_MASK,
            nested: (counts >> 32) as u32,
            weight,
            first_time,
            last_time,
        }
    }

    pub(super) fn to_words(self) -> [u64; WORDS as usize] {
        let counts = u64::from(self.nested) << 32 | u64::from(self.lost);
        [counts, self.weight, self.last_time, self.too_large.into(), self.first_time]
    }

    /// The sums as an event of the ring: its length word, time, first header word, stack word and tag.
    pub(super) fn to_event(self, length: u32) -> LossEvent {
        LossEvent {
            length: LOSS | u64::from(self.too_large) << 32 | u64::from(length),
            time: self.first_time,
            weight: self.weight,
            counts: u64::from(self.nested) << 32 | u64::from(self.lost),
            tag: self.last_time,
        }
    }

    /// The sums out of such an event.
    pub(super) fn from_event(event: &LossEvent) -> Sums {
        Sums {
            lost: event.counts as u32,
            too_large: (event.length >> 32) as u32 & TOO_LARGE_MASK,
            nested: (event.counts >> 32) as u32,
            weight: event.weight,
            first_time: event.time,
            last_time: event.tag,
        }
    }
}

/// The bit of a length word that tells an event of a loss from others, whatever the header length.
pub(super) const LOSS: u64 = 1 << 63;

/// An event that tells of losses: as long as Go's, the sums where Go has zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct LossEvent {
    pub(super) length: u64,
    pub(super) time: u64,
    pub(super) weight: u64,
    pub(super) counts: u64,
    pub(super) tag: u64,
}

/// The sums as they were at one instant of this call. `None` if the writer changed them during each of
/// 64 attempts. Bound: 64 × 7 loads.
pub(super) fn snapshot<M: Memory>(memory: &M) -> Option<Sums> {
    // ORDER: Acquire. Pairs with the Release store of `Tally::publish`.
    let mut turn = memory.load32(Word32::LossTurn, Ordering::Acquire);
    for _ in 0..64 {
        let copy = (turn & 1) as u8;
        let mut words = [0; WORDS as usize];
        for (word, value) in (0..WORDS).zip(&mut words) {
            // ORDER: Relaxed. The fence below orders them before the second look at the turn.
            *value = memory.load64(Word64::Loss(copy, word), Ordering::Relaxed);
        }
        // ORDER: Acquire fence. Pairs with the Release fence of `Tally::publish`: if a word of the next but one
        // publication was seen, so is the turn before it.
        memory.fence(Ordering::Acquire);
        // ORDER: Acquire. If it differs it is the first load of the next attempt.
        let again = memory.load32(Word32::LossTurn, Ordering::Acquire);
        if again == turn {
            return Some(Sums::from_words(words));
        }
        turn = again;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sums() -> impl Strategy<Value = Sums> {
        (any::<[u32; 3]>(), any::<[u64; 3]>()).prop_map(
            |([lost, too_large, nested], [weight, first, last])| Sums {
                lost,
                too_large: too_large & TOO_LARGE_MASK,
                nested,
                weight,
                first_time: first,
                last_time: last,
            },
        )
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        #[test]
        fn sums_do_not_survive_their_event(sums in sums(), length in 3_u32..1 << 28) {
            let event = sums.to_event(length);
            prop_assert_eq!(event.length as u32, length);
            prop_assert_eq!(Sums::from_event(&event), sums);
            prop_assert_eq!(Sums::from_words(sums.to_words()), sums);
        }

        #[test]
        fn a_difference_is_not_what_was_lost_between(
            before in sums(),
            full in 0_u32..1 << 30,
            large in 0_u32..1 << 30,
            nested in 0_u32..1 << 30,
            weight: u64,
        ) {
            let after = Sums {
                lost: before.lost.wrapping_add(full + large + nested),
                too_large: before.too_large.wrapping_add(large) & TOO_LARGE_MASK,
                nested: before.nested.wrapping_add(nested),
                weight: before.weight.wrapping_add(weight),
                last_time: 3,
                ..before
            };
            match after.since(&before) {
                None => prop_assert_eq!(full + large + nested, 0),
                Some(loss) => {
                    prop_assert_eq!((loss.full(), loss.too_large, loss.nested), (full, large, nested));
                    prop_assert_eq!((loss.weight, loss.last_time), (weight, 3));
                }
            }
        }
    }
}
