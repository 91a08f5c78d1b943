//! Where an event goes: arithmetic on the two indices, no memory.

use super::index::Index;

/// Words of an event before its header: the length and the time.
pub const FIXED_WORDS: u32 = 2;

/// Capacities of a ring and the length of its headers, checked.
///
/// Invariants: (C1) `data` and `tags` are powers of two below 2^28; (C2) `data` is at least
/// `2 + header + 1`, the length of the event that tells of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    pub(super) header: u32,
    pub(super) data: u32,
    pub(super) tags: u32,
}

/// Capacities have to be below this.
pub const LIMIT: u32 = 1 << 28;

impl Capacity {
    /// Room for headers of `header` words, at least `data` words of events and at least `tags` events,
    /// both rounded up to powers of two. `None` if a capacity would not be below [`LIMIT`].
    #[must_use]
    pub const fn new(header: u32, data: u32, tags: u32) -> Option<Capacity> {
        if header >= LIMIT || data >= LIMIT || tags >= LIMIT {
            return None;
        }
        let least = FIXED_WORDS + header + 1;
        let data = if data < least { least } else { data }.next_power_of_two();
        let tags = tags.next_power_of_two();
        if data >= LIMIT || tags >= LIMIT { None } else { Some(Capacity { header, data, tags }) }
    }

    /// Words of each header.
    #[must_use]
    pub const fn header_words(self) -> u32 {
        self.header
    }

    /// Words of events that there is room for.
    #[must_use]
    pub const fn data_words(self) -> u32 {
        self.data
    }

    /// Events that there is room for.
    #[must_use]
    pub const fn tags(self) -> u32 {
        self.tags
    }

    /// The length of an event with a stack of `stack` words, in words.
    pub(super) const fn event_words(self, stack: u32) -> u32 {
        FIXED_WORDS + self.header + stack
    }

    /// The place in the array of words.
    pub(super) const fn data_place(self, index: Index) -> u32 {
        index.data_count() & (self.data - 1)
    }

    /// The place in the array of tags.
    pub(super) const fn tag_place(self, index: Index) -> u32 {
        index.tag_count() & (self.tags - 1)
    }

    /// Words given up before the end of the array so that `want` words lie in one piece.
    pub(super) const fn skip(self, place: u32, want: u32) -> u32 {
        if place + want > self.data { self.data - place } else { 0 }
    }

    /// Whether `read` can be where the reader is when the writer is at `written`. Words of which it is said
    /// that they were read before their events (see [`halves`](super::halves)) are allowed.
    pub(super) const fn holds(self, read: Index, written: Index) -> bool {
        let (words, events) = (written.words_since(read), written.events_since(read));
        0 <= words
            && words <= self.data as i32
            && 0 <= events
            && events <= self.tags as i32
            && (words == 0 || events != 0)
    }

    /// Whether one event of `want` words has room, given up words included.
    pub(super) const fn can_write_record(self, read: Index, written: Index, want: u32) -> bool {
        if want > self.data || written.events_since(read) >= self.tags as i32 {
            return false;
        }
        let free = self.data as i32 - written.words_since(read);
        free >= (self.skip(self.data_place(written), want) + want) as i32
    }

    /// Whether an event of `first` words and then one of `second` words have room, each in one piece.
    pub(super) const fn can_write_two_records(
        self,
        read: Index,
        written: Index,
        first: u32,
        second: u32,
    ) -> bool {
        if !self.can_write_record(read, written, first) {
            return false;
        }
        let skip = self.skip(self.data_place(written), first);
        self.can_write_record(read, written.add_counts_and_clear_flags(skip + first, 1), second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_not_those_of_go() {
        let sizes = |header, data, tags| Capacity::new(header, data, tags).map(|c| (c.data, c.tags));
        assert_eq!(sizes(2, 11, 1), Some((16, 1)));
        assert_eq!(sizes(2, 0, 0), Some((8, 1)), "room for the event of a loss");
        assert_eq!(sizes(0, 2, 3), Some((4, 4)));
        assert_eq!(sizes(1, 1 << 17, 1 << 14), Some((1 << 17, 1 << 14)));
        assert_eq!(sizes(0, (1 << 27) + 1, 1), None, "2^28 after rounding");
        assert_eq!(sizes(0, 1 << 28, 1), None);
        assert_eq!(sizes(0, 1, u32::MAX), None);
        assert_eq!(sizes(u32::MAX, 1, 1), None);
        assert_eq!(sizes((1 << 27) - 2, 1, 1), None);
    }

    /// Goal: no event of at most half the ring is ever refused by an empty ring (no dead zone).
    /// Method: every ring up to 256 words, every place, every length.
    #[test]
    #[cfg_attr(miri, ignore = "many steps of plain arithmetic")]
    fn an_empty_ring_refuses_an_event_of_half_its_size() {
        for bits in 2..=8 {
            let capacity = Capacity::new(0, 1 << bits, 1).unwrap();
            for at in (0..capacity.data).chain((u32::MAX - capacity.data)..=u32::MAX) {
                let index = Index::new(at, 0);
                for want in 1..=capacity.data / 2 {
                    assert!(capacity.can_write_record(index, index, want), "{want} at {at} of 2^{bits}");
                }
            }
        }
    }

    /// Goal: nothing is written over words that the reader has not given back.
    /// Method: every state of a small ring against a list of its free words.
    #[test]
    #[cfg_attr(miri, ignore = "many steps of plain arithmetic")]
    fn an_event_gets_words_that_are_not_free() {
        let capacity = Capacity::new(0, 16, 64).unwrap();
        let start = u32::MAX - 20;
        for read in 0..48 {
            for used in 0..=16 {
                let (r, w) = (start.wrapping_add(read), start.wrapping_add(read + used));
                let mut is_free = [true; 16];
                (0..used).for_each(|n| is_free[r.wrapping_add(n) as usize % 16] = false);
                for want in 1..=20_usize {
                    let at = w as usize % 16;
                    let fits = |at: usize| (at..at + want).all(|i| i < 16 && is_free[i]);
                    let tail = (at..16).all(|i| is_free[i]) && used < 16;
                    let expected = if at + want <= 16 {
                        fits(at)
                    } else {
                        tail && want <= at && fits(0) && used + (16 - at) as u32 + want as u32 <= 16
                    };
                    let can = capacity.can_write_record(Index::new(r, 0), Index::new(w, 0), want as u32);
                    assert_eq!(can, expected, "{want} words, {used} used from {}", r % 16);
                }
            }
        }
    }

    #[test]
    fn two_events_get_the_room_of_one() {
        let capacity = Capacity::new(2, 16, 2).unwrap();
        let (r, w) = (Index::new(0, 0), Index::new(6, 1));
        assert!(!capacity.can_write_two_records(r, w, 5, 5), "no tag for the second");
        let w = Index::new(6, 0);
        assert!(capacity.can_write_two_records(r, w, 5, 5));
        assert!(!capacity.can_write_two_records(r, w, 5, 6), "the second would have to start over");
        assert!(!capacity.can_write_two_records(Index::new(4, 0), w, 5, 6), "only 4 words at the start");
        assert!(capacity.can_write_two_records(Index::new(6, 0), w, 5, 6));
    }
}
