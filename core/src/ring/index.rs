//! The index word: how many words and events have passed, in one number.

use core::fmt;

/// A place in the stream of events: the words and the events before it, and one flag.
///
/// The bits are those of Go's `profIndex`: 0 to 31 the words, 32 and 33 flags, 34 to 63 the events.
/// Both counts run on past the capacities, modulo 2^32 and 2^30; reduced by a capacity, a power of two,
/// they are places in an array. Bit 32, Go's mark of a sleeping reader, stays 0: that mark is a word of
/// its own here, because the index is stored and never exchanged.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Index(u64);

/// Events are counted modulo 2^30.
const EVENTS_MASK: u32 = (1 << 30) - 1;

impl Index {
    /// Flag: a loss, or the end of the stream, waits behind this place.
    pub const WRITE_EXTRA: u64 = 1 << 33;

    /// Where `data` words and `tags` events have passed; `tags` counts modulo 2^30.
    #[must_use]
    pub const fn new(data: u32, tags: u32) -> Index {
        Index((tags as u64) << 34 | data as u64)
    }

    /// From the bits; every value is an index.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Index {
        Index(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Words before this place, modulo 2^32.
    #[must_use]
    pub const fn data_count(self) -> u32 {
        self.0 as u32
    }

    /// Events before this place, modulo 2^30.
    #[must_use]
    pub const fn tag_count(self) -> u32 {
        (self.0 >> 34) as u32
    }

    /// Whether [`Index::WRITE_EXTRA`] is set.
    #[must_use]
    pub const fn has_extra(self) -> bool {
        self.0 & Self::WRITE_EXTRA != 0
    }

    /// The same place with [`Index::WRITE_EXTRA`] set.
    #[must_use]
    pub const fn with_extra(self) -> Index {
        Index(self.0 | Self::WRITE_EXTRA)
    }

    /// The place `data` words and `tags` events further on, without flags.
    #[must_use]
    pub const fn add_counts_and_clear_flags(self, data: u32, tags: u32) -> Index {
        Index::new(self.data_count().wrapping_add(data), self.tag_count().wrapping_add(tags) & EVENTS_MASK)
    }

    /// Words from `earlier` to here.
    #[must_use]
    pub const fn words_since(self, earlier: Index) -> i32 {
        count_sub(self.data_count(), earlier.data_count())
    }

    /// Events from `earlier` to here.
    #[must_use]
    pub const fn events_since(self, earlier: Index) -> i32 {
        count_sub(self.tag_count(), earlier.tag_count())
    }
}

/// `x - y` for two counts of one kind that are less than 2^29 apart. Right for both kinds, because it
/// looks at the low 30 bits only.
#[must_use]
pub const fn count_sub(x: u32, y: u32) -> i32 {
    (x.wrapping_sub(y) << 2) as i32 >> 2
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = if self.has_extra() { "+extra" } else { "" };
        write!(f, "{}w{}e{extra}", self.data_count(), self.tag_count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parts_of_the_word_are_elsewhere_than_in_go() {
        let index = Index::from_bits(0xffff_fff7_0123_4567);
        assert_eq!(
            (index.data_count(), index.tag_count(), index.has_extra()),
            (0x0123_4567, 0x3fff_fffd, true)
        );
        assert_eq!(Index::new(7, 3).with_extra().bits(), 3 << 34 | 1 << 33 | 7);
    }

    #[test]
    fn a_count_that_wraps_spills_into_its_neighbour() {
        let last = Index::new(u32::MAX, EVENTS_MASK).with_extra();
        assert_eq!(last.add_counts_and_clear_flags(1, 0), Index::new(0, EVENTS_MASK));
        assert_eq!(last.add_counts_and_clear_flags(0, 1), Index::new(u32::MAX, 0));
        assert_eq!(last.add_counts_and_clear_flags(3, 2), Index::new(2, 1));
        assert_eq!(Index::new(2, 1).words_since(last), 3);
        assert_eq!(Index::new(2, 1).events_since(last), 2);
        assert_eq!(last.events_since(Index::new(2, 1)), -2);
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        #[test]
        fn distance_is_not_what_was_added(bits: u64, data in 0_u32..1 << 28, tags in 0_u32..1 << 28) {
            let before = Index::from_bits(bits);
            let after = before.add_counts_and_clear_flags(data, tags);
            prop_assert_eq!(after.words_since(before), data as i32);
            prop_assert_eq!(before.words_since(after), -(data as i32));
            prop_assert_eq!(after.events_since(before), tags as i32);
            prop_assert!(!after.has_extra());
        }
    }
}
