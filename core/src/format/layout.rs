//! Offsets, sizes, the hash and the placement rule: pure arithmetic that touches no memory.
//!
//! Every rule is from sections 2 to 4 of the format document.

/// The 28 bytes that every file starts with.
pub const MAGIC: [u8; 28] = *b"# telemetry/counter file v1\n";
/// Offset of the 32-bit header length.
pub const HEADER_LENGTH_AT: u32 = MAGIC.len() as u32;
/// Offset of the metadata text.
pub const METADATA_AT: u32 = HEADER_LENGTH_AT + 4;
/// Greatest length of the metadata text, in bytes.
pub const METADATA_MAX: u32 = 512;
/// Allocation unit in bytes: headers and records are multiples of it.
pub const UNIT: u32 = 32;
/// Smallest header, in bytes: no metadata.
pub const HEADER_MIN: u32 = METADATA_AT;
/// Greatest header, in bytes.
pub const HEADER_MAX: u32 = METADATA_AT + METADATA_MAX;
/// The format's page in bytes. No record crosses or reaches the end of one. Not the page of the
/// virtual memory.
pub const PAGE: u32 = 16 * 1024;
/// Smallest file, in bytes.
pub const FILE_MIN: u32 = PAGE;
/// Number of hash buckets.
pub const BUCKETS: u32 = 512;
/// Greatest length of a name, in bytes; the smallest is 1.
pub const NAME_MAX: u32 = 4096;
/// Bytes of a record before its name: value, length, link.
pub const RECORD_HEADER: u32 = 16;
/// Offset of the length word in a record; the 64-bit value is at 0.
pub const LENGTH_IN_RECORD: u32 = 8;
/// Offset of the link to the next record of the chain, in a record.
pub const NEXT_IN_RECORD: u32 = 12;
/// The part of a length word that holds the length.
pub const LENGTH_MASK: u32 = 0x00ff_ffff;
/// What writers set in the rest of a length word. Readers ignore it.
pub const LENGTH_MARK: u32 = 0xff00_0000;
/// A link that ends a chain, and an empty bucket.
pub const END: u32 = 0;
/// The link of a record that lost the race for its name. Such a record is in no chain.
pub const DEAD: u32 = u32::MAX;

const TABLE_BYTES: u32 = 4 + BUCKETS * 4;

const _: () = {
    assert!(MAGIC.len() == 28 && METADATA_AT == 32);
    assert!(HEADER_MAX.is_multiple_of(UNIT) && HEADER_MIN.is_multiple_of(UNIT));
    assert!(PAGE.is_multiple_of(UNIT) && FILE_MIN.is_multiple_of(PAGE));
    assert!(BUCKETS.is_power_of_two() && UNIT.is_power_of_two() && PAGE.is_power_of_two());
    // The limit word, the buckets and one record of the greatest length fit the first page.
    assert!(HEADER_MAX + TABLE_BYTES + UNIT + round_up(RECORD_HEADER + NAME_MAX, UNIT) < PAGE);
    assert!(NAME_MAX <= LENGTH_MASK);
    assert!(!DEAD.is_multiple_of(UNIT));
};

/// `x` rounded up to a multiple of `unit`, a power of two. `x` must leave room for it.
const fn round_up(x: u32, unit: u32) -> u32 {
    (x + unit - 1) & !(unit - 1)
}

/// `x` rounded up to a multiple of `unit`, a power of two; `None` past the range of `u32`.
#[must_use]
pub const fn checked_round_up(x: u32, unit: u32) -> Option<u32> {
    match x.checked_add(unit - 1) {
        Some(sum) => Some(sum & !(unit - 1)),
        None => None,
    }
}

/// Header length in bytes for a metadata text of `metadata_length` bytes, at most [`METADATA_MAX`].
#[must_use]
pub const fn header_length(metadata_length: u32) -> Option<u32> {
    if metadata_length > METADATA_MAX { None } else { Some(round_up(METADATA_AT + metadata_length, UNIT)) }
}

/// Bytes that a record takes for a name of `name_length` bytes (at most [`LENGTH_MASK`]).
#[must_use]
pub const fn record_size(name_length: u32) -> u32 {
    round_up(RECORD_HEADER + (name_length & LENGTH_MASK), UNIT)
}

/// The name hash: 32-bit FNV-1a, folded and reduced to a bucket by [`NameHash::bucket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHash(u32);

impl NameHash {
    /// The hash of no bytes.
    #[must_use]
    pub const fn new() -> Self {
        NameHash(0x811c_9dc5)
    }

    /// The hash with one more byte.
    #[must_use]
    pub const fn with(self, byte: u8) -> Self {
        NameHash((self.0 ^ byte as u32).wrapping_mul(0x0100_0193))
    }

    /// The hash of these bytes.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        let mut state = NameHash::new();
        let mut i = 0;
        while i < bytes.len() {
            state = state.with(bytes[i]);
            i += 1;
        }
        state
    }

    /// All 32 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The bucket, `0..512`.
    #[must_use]
    pub const fn bucket(self) -> u32 {
        (self.0 ^ (self.0 >> 16)) % BUCKETS
    }
}

impl Default for NameHash {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a name, `0..512`.
#[must_use]
pub const fn hash(name: &[u8]) -> u32 {
    NameHash::of(name).bucket()
}

/// Where a file with a header of a certain length keeps its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Invariant: a multiple of [`UNIT`] in `HEADER_MIN..=HEADER_MAX`.
    header_length: u32,
}

/// The place of a new record: `start..end`, both multiples of [`UNIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Offset of the record.
    pub start: u32,
    /// Offset past the record: the new limit.
    pub end: u32,
}

impl Layout {
    /// The layout for a header of `header_length` bytes; `None` if no writer makes such a header
    /// (below 32, above 544, or no multiple of 32).
    #[must_use]
    pub const fn new(header_length: u32) -> Option<Layout> {
        let plausible =
            header_length >= HEADER_MIN && header_length <= HEADER_MAX && header_length.is_multiple_of(UNIT);
        if plausible { Some(Layout { header_length }) } else { None }
    }

    /// Length of the header in bytes.
    #[must_use]
    pub const fn header_length(self) -> u32 {
        self.header_length
    }

    /// Offset of the limit word.
    #[must_use]
    pub const fn limit_at(self) -> u32 {
        self.header_length
    }

    /// Offset of the head of a bucket; `bucket` is reduced modulo 512.
    #[must_use]
    pub const fn bucket_at(self, bucket: u32) -> u32 {
        self.header_length + 4 + (bucket % BUCKETS) * 4
    }

    /// Offset past the last bucket: what a limit of 0 stands for.
    #[must_use]
    pub const fn table_end(self) -> u32 {
        self.header_length + TABLE_BYTES
    }

    /// Offset of the first record.
    #[must_use]
    pub const fn first_record(self) -> u32 {
        round_up(self.table_end(), UNIT)
    }

    /// Where the record for a name of `name_length` bytes goes when the last allocation ends at
    /// `limit` (0: there is none). `None` when it would end past the range of `u32`.
    ///
    /// A record that would cross or reach the end of a page moves to the next page.
    #[must_use]
    pub const fn place(self, limit: u32, name_length: u32) -> Option<Placement> {
        let current = if limit == 0 { self.table_end() } else { limit };
        let size = record_size(name_length);
        let Some(mut start) = checked_round_up(current, UNIT) else { return None };
        let Some(end) = start.checked_add(size) else { return None };
        if start / PAGE != end / PAGE {
            start = match checked_round_up(current, PAGE) {
                Some(start) => start,
                None => return None,
            };
        }
        match start.checked_add(size) {
            Some(end) => Some(Placement { start, end }),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn hash_matches_the_vectors_of_the_format() {
        for (name, bucket) in [
            ("", 217),
            ("a", 288),
            ("gophers", 304),
            ("go/invocations", 84),
            ("gopls/client:vscode", 186),
            ("crash/crash", 421),
            ("n988", 304),
            ("n1426", 304),
            ("n1667", 304),
        ] {
            assert_eq!(hash(name.as_bytes()), bucket, "{name}");
        }
    }

    #[test]
    fn only_header_lengths_that_writers_make_are_plausible() {
        let plausible = (0..2000).filter(|&n| Layout::new(n).is_some()).count();
        assert_eq!(plausible, 17);
        assert!(Layout::new(0).is_none() && Layout::new(31).is_none() && Layout::new(576).is_none());
        assert!((0..=METADATA_MAX).all(|len| Layout::new(header_length(len).unwrap()).is_some()));
    }

    #[test]
    fn first_record_is_2080_bytes_past_the_header() {
        let layout = Layout::new(192).unwrap();
        assert_eq!((layout.limit_at(), layout.bucket_at(0), layout.first_record()), (192, 196, 2272));
        assert_eq!(layout.place(0, 7), Some(Placement { start: 2272, end: 2304 }));
    }

    /// Method: every limit of the first four pages with every length of a name, at the smallest and
    /// the greatest header (release builds; a debug build steps through the limits by 96).
    #[test]
    #[cfg_attr(miri, ignore = "millions of steps of plain arithmetic")]
    fn no_placement_crosses_or_reaches_a_page_end() {
        let step = if cfg!(debug_assertions) { 96 } else { 1 };
        for header in [HEADER_MIN, HEADER_MAX] {
            let layout = Layout::new(header).unwrap();
            for limit in (layout.table_end()..4 * PAGE).step_by(step) {
                for name_length in (1..=NAME_MAX).step_by(if step == 1 { 13 } else { 61 }) {
                    let Placement { start, end } = layout.place(limit, name_length).unwrap();
                    assert!(start >= limit && start.is_multiple_of(UNIT) && end > start);
                    assert_eq!(start / PAGE, end / PAGE, "limit {limit} name {name_length}");
                    assert!(start - limit < PAGE);
                }
            }
        }
    }

    #[test]
    fn placement_near_the_end_of_the_range_is_refused() {
        let layout = Layout::new(192).unwrap();
        assert_eq!(layout.place(u32::MAX, 1), None);
        assert_eq!(layout.place(u32::MAX - 31, 1), None);
        assert!(layout.place(u32::MAX - 2 * PAGE, NAME_MAX).is_some());
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        #[test]
        fn any_limit_and_length_give_an_answer_without_panic(limit: u32, length: u32) {
            if let Some(placement) = Layout::new(64).unwrap().place(limit, length) {
                prop_assert!(placement.end > placement.start);
            }
        }

        #[test]
        fn hash_in_steps_equals_hash_at_once(name in ".*") {
            let steps = name.to_string().bytes().fold(NameHash::new(), NameHash::with);
            prop_assert_eq!(steps.bucket(), hash(name.as_bytes()));
        }
    }
}
