//! Where everything lies in the memory of a ring, and the header that tells it to strangers.
//!
//! All offsets are in words of 8 bytes. The header does not change while the ring lives; the words of
//! the writer, of its losses and of the reader are 128 bytes apart, so that no two of them share a cache
//! line (or a pair of lines that are fetched together).

use super::index::Index;
use super::loss::WORDS as SUMS;
use super::memory::{Word32, Word64};
use super::place::{Capacity, LIMIT};

/// Words before the tags.
pub const HEADER_WORDS: usize = 64;

/// `tlymring` in the byte order of the machine that made the ring.
pub const MAGIC: u64 = u64::from_be_bytes(*b"tlymring");

/// The version of this layout.
pub const VERSION: u32 = 1;

// Word 0: magic. Words 1 to 5: two 32-bit fields each, in memory order. Word 6: ticks of the clock.
const MAGIC_AT: usize = 0;
const FIELDS_AT: usize = 1;
const TICKS_AT: usize = 6;

const WRITER: usize = 16;
const LOSSES: usize = 32;
const READER: usize = 48;

/// Words of each copy of the sums of losses, and of what the reader is done with.
const LOSS_WORDS: usize = SUMS as usize;
const DONE_WORDS: usize = SUMS as usize + 1;

const _: () = assert!(LOSSES + 1 + 2 * LOSS_WORDS <= READER);
const _: () = assert!(READER + 3 + 2 * DONE_WORDS <= HEADER_WORDS);

/// The words that a ring takes: what its memory has to have at least.
#[must_use]
pub const fn words_of(capacity: Capacity) -> usize {
    HEADER_WORDS + capacity.tags as usize + capacity.data as usize
}

pub(super) const fn tags_at() -> usize {
    HEADER_WORDS
}

pub(super) const fn data_at(capacity: Capacity) -> usize {
    HEADER_WORDS + capacity.tags as usize
}

/// The offset of a 32-bit word, in units of 4 bytes.
pub(super) const fn at32(word: Word32) -> usize {
    match word {
        // Behind `Written` and the word beside it.
        Word32::EndOfStream => 2 * WRITER + 4,
        Word32::WrittenLost => 2 * WRITER + 5,
        Word32::LossTurn => 2 * LOSSES,
        Word32::TakenLost => 2 * READER + 2,
        Word32::Sleeping => 2 * READER + 3,
        Word32::DoneTurn => 2 * READER + 4,
    }
}

/// The offset of a 64-bit word.
pub(super) const fn at64(word: Word64) -> usize {
    match word {
        Word64::Written => WRITER,
        Word64::Read => READER,
        // Two copies each; a wrong number stays inside.
        Word64::Loss(copy, word) => {
            LOSSES + 1 + LOSS_WORDS * (copy & 1) as usize + word as usize % LOSS_WORDS
        }
        Word64::Done(copy, word) => {
            READER + 3 + DONE_WORDS * (copy & 1) as usize + word as usize % DONE_WORDS
        }
    }
}

/// What the times of events count. The ring itself never looks at a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// Nobody says.
    #[default]
    Unknown,
    /// Nanoseconds of a clock that only goes forward and may stand still while the machine sleeps.
    Monotonic,
    /// Nanoseconds since 1970-01-01 UTC.
    Unix,
    /// Ticks of a counter, so many a second (0: not known).
    Ticks(u64),
}

impl Clock {
    const fn number(self) -> (u32, u64) {
        match self {
            Clock::Unknown => (0, 0),
            Clock::Monotonic => (1, 1_000_000_000),
            Clock::Unix => (2, 1_000_000_000),
            Clock::Ticks(a_second) => (3, a_second),
        }
    }

    const fn from_number(number: u32, ticks: u64) -> Clock {
        match number {
            1 => Clock::Monotonic,
            2 => Clock::Unix,
            3 => Clock::Ticks(ticks),
            _ => Clock::Unknown,
        }
    }
}

/// The words that wake a sleeping reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// This many unread words, given up words included. At least 1.
    pub data: u32,
    /// This many unread events. At least 1.
    pub tags: u32,
}

impl Threshold {
    /// The nearest that a ring can have.
    pub(super) fn clamped(self) -> Threshold {
        Threshold { data: self.data.clamp(1, LIMIT), tags: self.tags.clamp(1, LIMIT) }
    }

    /// Whether a reader at `read` is to be woken by what is unread up to `written`.
    pub(super) const fn is_reached(self, read: Index, written: Index) -> bool {
        written.words_since(read) >= self.data as i32 || written.events_since(read) >= self.tags as i32
    }
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Capacities.
    pub capacity: Capacity,
    /// When a reader is woken.
    pub wake: Threshold,
    /// What the times count.
    pub clock: Clock,
    /// Bytes of the widest atomic operation of the ring's words: 8, or 4 where 64-bit words are two
    /// halves.
    pub width: u32,
}

/// Why memory is no ring that can be used here. The offset is in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// Offset in bytes of the field.
    pub offset: usize,
    /// What was found; for the memory itself its length in words, or its address.
    pub value: u64,
    /// The rule that it breaks.
    pub rule: HeaderRule,
}

/// The rules of a ring's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderRule {
    /// The memory starts at a multiple of 8.
    Aligned,
    /// The memory has room for what the header says.
    Length,
    /// A ring starts with the magic number.
    Magic,
    /// The ring was made by a machine of this byte order.
    ByteOrder,
    /// The version is one that this library knows.
    Version,
    /// The width is that of the type that the memory was given.
    Width,
    /// Capacities are powers of two below 2^28, with room for an event of one word more than the header.
    Capacity,
    /// A threshold is at least 1.
    Threshold,
}

impl HeaderRule {
    /// The rule in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            HeaderRule::Aligned => "a ring starts at a multiple of 8",
            HeaderRule::Length => "the memory has room for the ring",
            HeaderRule::Magic => "a ring starts with the magic number",
            HeaderRule::ByteOrder => "the ring was made with the byte order of this machine",
            HeaderRule::Version => "the version of the layout is 1",
            HeaderRule::Width => "the ring's 64-bit words are whole, or halves, as asked for",
            HeaderRule::Capacity => {
                "capacities are powers of two below 2^28, with room for the event of a loss"
            }
            HeaderRule::Threshold => "a threshold is at least 1",
        }
    }
}

impl core::fmt::Display for HeaderError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "offset {:#x}: found {:#x}; {}", self.offset, self.value, self.rule.text())
    }
}

impl core::error::Error for HeaderError {}

/// The header as words.
pub(super) fn encode(header: &Header) -> [u64; TICKS_AT + 1] {
    let (clock, ticks) = header.clock.number();
    let Capacity { header: header_words, data, tags } = header.capacity;
    let fields = [
        [VERSION, header.width],
        [header_words, clock],
        [data, tags],
        [header.wake.data, header.wake.tags],
        [data_at(header.capacity) as u32, 0],
    ];
    let mut words = [0; TICKS_AT + 1];
    words[MAGIC_AT] = MAGIC;
    for (word, [first, second]) in words[FIELDS_AT..].iter_mut().zip(fields) {
        *word = pair(first, second);
    }
    words[TICKS_AT] = ticks;
    words
}

/// Whether the first word is that of a ring.
pub(super) const fn check_magic(word: u64) -> Result<(), HeaderError> {
    let rule = match word {
        MAGIC => return Ok(()),
        other if other == MAGIC.swap_bytes() => HeaderRule::ByteOrder,
        _ => HeaderRule::Magic,
    };
    Err(HeaderError { offset: 8 * MAGIC_AT, value: word, rule })
}

/// The header out of its words.
pub(super) fn decode(words: &[u64; TICKS_AT + 1]) -> Result<Header, HeaderError> {
    let broken = |offset, value: u64, rule| HeaderError { offset, value, rule };
    check_magic(words[MAGIC_AT])?;
    let field = |n: usize| unpair(words[FIELDS_AT + n / 2])[n % 2];
    let check = |n: usize, holds: bool, rule| {
        if holds { Ok(()) } else { Err(broken(8 * FIELDS_AT + 4 * n, field(n).into(), rule)) }
    };
    check(0, field(0) == VERSION, HeaderRule::Version)?;
    check(1, field(1) == 8 || field(1) == 4, HeaderRule::Width)?;
    let [header, clock, data, tags] = [field(2), field(3), field(4), field(5)];
    let rounded = Capacity::new(header, data, tags);
    check(4, rounded.is_some_and(|rounded| rounded.data == data), HeaderRule::Capacity)?;
    check(5, rounded.is_some_and(|rounded| rounded.tags == tags), HeaderRule::Capacity)?;
    let capacity = Capacity { header, data, tags };
    check(6, field(6) != 0, HeaderRule::Threshold)?;
    check(7, field(7) != 0, HeaderRule::Threshold)?;
    check(8, field(8) as usize == data_at(capacity), HeaderRule::Length)?;
    Ok(Header {
        capacity,
        wake: Threshold { data: field(6), tags: field(7) },
        clock: Clock::from_number(clock, words[TICKS_AT]),
        width: field(1),
    })
}

/// Words of the header that are encoded.
pub(super) const ENCODED: usize = TICKS_AT + 1;

/// Two 32-bit fields, the first at the lower address.
const fn pair(first: u32, second: u32) -> u64 {
    let [low, high] = if cfg!(target_endian = "little") { [first, second] } else { [second, first] };
    (high as u64) << 32 | low as u64
}

const fn unpair(word: u64) -> [u32; 2] {
    let [low, high] = [word as u32, (word >> 32) as u32];
    if cfg!(target_endian = "little") { [low, high] } else { [high, low] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn header() -> Header {
        Header {
            capacity: Capacity::new(1, 1 << 10, 1 << 6).unwrap(),
            wake: Threshold { data: 1 << 9, tags: 1 << 5 },
            clock: Clock::Ticks(32_768),
            width: 8,
        }
    }

    #[test]
    fn a_header_does_not_survive_its_words() {
        for clock in [Clock::Unknown, Clock::Monotonic, Clock::Unix, Clock::Ticks(1)] {
            let header = Header { clock, ..header() };
            assert_eq!(decode(&encode(&header)), Ok(header));
        }
    }

    #[test]
    fn a_broken_header_is_believed() {
        let broken = |at: usize, value: u64| {
            let mut words = encode(&header());
            words[at] = value;
            decode(&words).unwrap_err().rule
        };
        assert_eq!(broken(0, 0), HeaderRule::Magic);
        assert_eq!(broken(0, MAGIC.swap_bytes()), HeaderRule::ByteOrder);
        assert_eq!(broken(1, pair(2, 8)), HeaderRule::Version);
        assert_eq!(broken(1, pair(1, 16)), HeaderRule::Width);
        assert_eq!(broken(2, pair(1 << 28, 0)), HeaderRule::Capacity);
        assert_eq!(broken(3, pair(1 << 28, 64)), HeaderRule::Capacity);
        assert_eq!(broken(3, pair(1000, 64)), HeaderRule::Capacity);
        assert_eq!(broken(3, pair(1024, 63)), HeaderRule::Capacity);
        assert_eq!(broken(4, pair(0, 1)), HeaderRule::Threshold);
        assert_eq!(broken(5, pair(7, 0)), HeaderRule::Length);
    }

    #[test]
    fn an_error_hides_its_offset_value_and_rule() {
        let mut words = encode(&header());
        words[3] = pair(1000, 64);
        let text = decode(&words).unwrap_err().to_string();
        assert_eq!(
            text,
            "offset 0x18: found 0x3e8; capacities are powers of two below 2^28, with room for the event of a loss"
        );
    }

    #[test]
    fn two_words_share_a_place() {
        let mut places = std::collections::BTreeSet::new();
        use Word32::*;
        for word in [EndOfStream, WrittenLost, LossTurn, TakenLost, Sleeping, DoneTurn] {
            assert!(places.insert(at32(word)), "{word:?}");
        }
        let mut insert = |at: usize| assert!(places.insert(2 * at) && places.insert(2 * at + 1), "{at}");
        for copy in 0..2 {
            (0..5).for_each(|word| insert(at64(Word64::Loss(copy, word))));
            (0..6).for_each(|word| insert(at64(Word64::Done(copy, word))));
        }
        insert(at64(Word64::Written));
        insert(at64(Word64::Written) + 1);
        insert(at64(Word64::Read));
        assert!(places.iter().all(|at| (2 * ENCODED..2 * HEADER_WORDS).contains(at)));
    }

    proptest! {
        #![proptest_config(crate::proptest_config())]

        #[test]
        fn any_words_of_a_header_panic(words: [u64; ENCODED], good in any::<bool>()) {
            let mut words = words;
            if good {
                words[0] = MAGIC;
            }
            let _ = decode(&words);
        }
    }
}
