//! One record: a value, a length, a link and a name, over [`Words`].
//!
//! Format document, section 4. Names are read and written word by word under the width rule of
//! [`words`](crate::words), never through `&[u8]`.

use super::layout::{
    DEAD, END, LENGTH_IN_RECORD, LENGTH_MARK, LENGTH_MASK, Layout, NAME_MAX, NEXT_IN_RECORD, RECORD_HEADER,
    UNIT, record_size,
};
use super::name::Name;
use crate::fault::Rule;
use crate::words::{Ordering, Outside, ReadWords, Words};

/// The fields of a record, as found; its name stays in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Offset of the record.
    pub offset: u32,
    /// Length of the name in bytes, `1..=4096`.
    pub name_length: u32,
    /// Link to the next record: [`END`], [`DEAD`] or an offset, not checked yet.
    pub next: u32,
}

/// Why there is no record to read at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The link that led here breaks this rule.
    Link(Rule),
    /// The record starts or ends past the memory: another process may have made the file longer.
    Beyond {
        /// The length in bytes that the memory must have for this record.
        need: u32,
    },
    /// The length word breaks [`Rule::NameLength`].
    NameLength(u32),
}

/// Checks a link before it is followed. [`END`] is no link.
///
/// # Errors
///
/// The rule that `link` breaks.
pub const fn check_link(layout: Layout, link: u32) -> Result<(), Rule> {
    if link == DEAD {
        Err(Rule::LinkNotDead)
    } else if !link.is_multiple_of(UNIT) {
        Err(Rule::LinkAligned)
    } else if link < layout.first_record() {
        Err(Rule::LinkInRecords)
    } else {
        Ok(())
    }
}

/// Reads the fields of the record at `offset`, which nobody has checked yet.
///
/// # Errors
///
/// [`Unreadable`] says what stands in the way.
#[inline]
pub fn entry_at<W: ReadWords>(words: &W, layout: Layout, offset: u32) -> Result<Record, Unreadable> {
    check_link(layout, offset).map_err(Unreadable::Link)?;
    let need = |bytes| Unreadable::Beyond { need: offset.saturating_add(bytes) };
    // ORDER: Relaxed, twice. Whoever led us here loaded the bucket with Acquire, which pairs with the
    // Release that published the record; all later changes of a bucket are read-modify-writes, so
    // they continue that release sequence, and older records of the chain are covered as well.
    // Weaker publication fails the loom test `publish`.
    let length = words
        .load32(offset.saturating_add(LENGTH_IN_RECORD), Ordering::Relaxed)
        .map_err(|_| need(RECORD_HEADER))?;
    let next = words
        .load32(offset.saturating_add(NEXT_IN_RECORD), Ordering::Relaxed)
        .map_err(|_| need(RECORD_HEADER))?;
    let name_length = length & LENGTH_MASK;
    if name_length == 0 || name_length > NAME_MAX {
        return Err(Unreadable::NameLength(length));
    }
    match offset.checked_add(record_size(name_length)) {
        Some(end) if end <= words.length() => Ok(Record { offset, name_length, next }),
        _ => Err(need(record_size(name_length))),
    }
}

impl Record {
    /// Offset past the record.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.offset + record_size(self.name_length)
    }

    /// Where the bytes of the name are.
    #[must_use]
    pub const fn name_range(&self) -> core::ops::Range<usize> {
        let start = (self.offset + RECORD_HEADER) as usize;
        start..start + self.name_length as usize
    }

    /// Whether the record has this name.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the memory is shorter than the record.
    #[inline]
    pub fn has_name<W: ReadWords>(&self, words: &W, name: &[u8]) -> Result<bool, Outside> {
        // Names of one length often differ at their end only.
        if self.name_length as usize != name.len() || !self.ends_as(words, name)? {
            return Ok(false);
        }
        let mut rest = name;
        for piece in Pieces::of_name(self.offset, self.name_length) {
            let (width, left) = (piece.width(), rest.len());
            let found = piece.load(words)?;
            let wanted = piece.cut_from(&mut rest);
            // What follows the end of the name in its last word does not matter.
            let matches = if left >= width { found == wanted } else { found[..left] == wanted[..left] };
            if !matches {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the last word of the name is that of `name`, which is as long.
    #[inline]
    fn ends_as<W: ReadWords>(&self, words: &W, name: &[u8]) -> Result<bool, Outside> {
        let first = self.offset + RECORD_HEADER;
        let last = Piece::around(first + self.name_length - 1);
        let Some(mut tail) = name.get((last.offset - first) as usize..) else { return Ok(true) };
        let mut found = last.load(words)?;
        for byte in found.iter_mut().skip(tail.len()) {
            *byte = 0;
        }
        Ok(found == last.cut_from(&mut tail))
    }

    /// Copies the name into `buffer` and returns it.
    ///
    /// # Errors
    ///
    /// [`Outside`] if the memory is shorter than the record.
    pub fn copy_name<'b, W: ReadWords>(
        &self,
        words: &W,
        buffer: &'b mut [u8; NAME_MAX as usize],
    ) -> Result<&'b [u8], Outside> {
        let mut at = 0;
        for piece in Pieces::of_name(self.offset, self.name_length) {
            let bytes = piece.load(words)?;
            // Whole words first: a copy of a length that is known is one instruction.
            match buffer.get_mut(at..at + 8).filter(|_| piece.width() == 8) {
                Some(whole) => whole.copy_from_slice(&bytes),
                None => {
                    let count = 4.min(buffer.len() - at);
                    buffer[at..at + count].copy_from_slice(&bytes[..count]);
                }
            }
            at += piece.width();
        }
        Ok(&buffer[..self.name_length as usize])
    }
}

/// Whether the place for a name at `offset` is still untouched. A limit that has gone back (a damaged
/// file, a power cut) makes a place that is in use look free: such a place must not be written.
///
/// # Errors
///
/// [`Outside`] if the memory is shorter than the place.
pub fn is_untouched<W: ReadWords>(words: &W, offset: u32, name_length: u32) -> Result<bool, Outside> {
    // ORDER: Relaxed, here and in `Piece::load`. The place was reserved for this thread alone.
    let mut untouched = words.load64(offset, Ordering::Relaxed)? == 0
        && words.load32(offset + LENGTH_IN_RECORD, Ordering::Relaxed)? == 0
        && words.load32(offset + NEXT_IN_RECORD, Ordering::Relaxed)? == 0;
    for piece in Pieces::of_record(offset, name_length) {
        untouched &= piece.load(words)? == [0; 8];
    }
    Ok(untouched)
}

/// Writes value 0, name, zero padding and length of a record that nobody can see yet; its link and
/// its publication are the caller's (protocol steps 3 to 5).
///
/// # Errors
///
/// [`Outside`] if the memory is shorter than the record.
pub fn write_entry_at<W: Words>(words: &W, offset: u32, name: &Name<'_>) -> Result<(), Outside> {
    // ORDER: Relaxed, here and in `Piece::store`. The Release that publishes the record covers all.
    words.store64(offset, 0, Ordering::Relaxed)?;
    let mut rest = name.bytes();
    for piece in Pieces::of_record(offset, name.length()) {
        piece.store(words, piece.cut_from(&mut rest))?;
    }
    // ORDER: Relaxed. As above.
    words.store32(offset + LENGTH_IN_RECORD, name.length() | LENGTH_MARK, Ordering::Relaxed)
}

/// Marks a record that lost the race for its name. It is not linked and never will be.
///
/// # Errors
///
/// [`Outside`] if the memory is shorter than the record.
pub fn mark_dead<W: Words>(words: &W, offset: u32) -> Result<(), Outside> {
    set_next(words, offset, DEAD)
}

/// Sets the link of a record that nobody can see yet.
///
/// # Errors
///
/// [`Outside`] if the memory is shorter than the record.
pub fn set_next<W: Words>(words: &W, offset: u32, next: u32) -> Result<(), Outside> {
    debug_assert!(next == END || next == DEAD || next.is_multiple_of(UNIT));
    // ORDER: Relaxed. The Release that publishes the record covers it; a dead record is never
    // published.
    words.store32(offset + NEXT_IN_RECORD, next, Ordering::Relaxed)
}

/// One word of a name: 64 bits at the start of a unit, else 32 (invariant W1).
#[derive(Clone, Copy)]
struct Piece {
    offset: u32,
}

impl Piece {
    /// The word that holds the byte at `offset`.
    const fn around(offset: u32) -> Self {
        let unit = offset & !(UNIT - 1);
        Piece { offset: if offset - unit < 8 { unit } else { offset & !3 } }
    }

    const fn width(self) -> usize {
        if self.offset.is_multiple_of(UNIT) { 8 } else { 4 }
    }

    /// Takes the bytes of the word from the front of a name; zeros follow its end, and the second half
    /// is zero for a 32-bit word.
    #[inline]
    fn cut_from(self, rest: &mut &[u8]) -> [u8; 8] {
        let mut bytes = [0; 8];
        if self.width() == 8 {
            if let Some((whole, after)) = rest.split_first_chunk() {
                *rest = after;
                return *whole;
            }
        } else if let Some(([a, b, c, d], after)) = rest.split_first_chunk() {
            *rest = after;
            return [*a, *b, *c, *d, 0, 0, 0, 0];
        }
        for (byte, &of_name) in bytes.iter_mut().zip(*rest) {
            *byte = of_name;
        }
        *rest = &[];
        bytes
    }

    /// The bytes of the word in memory order; the second half is zero for a 32-bit word.
    #[inline]
    fn load<W: ReadWords>(self, words: &W) -> Result<[u8; 8], Outside> {
        // ORDER: Relaxed. As the length in `entry_at`.
        if self.width() == 8 {
            return Ok(words.load64(self.offset, Ordering::Relaxed)?.to_ne_bytes());
        }
        // ORDER: Relaxed. As above.
        let [a, b, c, d] = words.load32(self.offset, Ordering::Relaxed)?.to_ne_bytes();
        Ok([a, b, c, d, 0, 0, 0, 0])
    }

    fn store<W: Words>(self, words: &W, bytes: [u8; 8]) -> Result<(), Outside> {
        // ORDER: Relaxed. As in `write_entry_at`.
        if self.width() == 8 {
            return words.store64(self.offset, u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        let [a, b, c, d, ..] = bytes;
        // ORDER: Relaxed. As above.
        words.store32(self.offset, u32::from_ne_bytes([a, b, c, d]), Ordering::Relaxed)
    }
}

/// The words of a range of a record, in order. The range must not pass the end of `u32`.
struct Pieces {
    at: u32,
    end: u32,
}

impl Pieces {
    /// The words that hold a name.
    const fn of_name(offset: u32, name_length: u32) -> Self {
        let at = offset + RECORD_HEADER;
        Pieces { at, end: at + name_length }
    }

    /// The words of a name and of the padding behind it.
    const fn of_record(offset: u32, name_length: u32) -> Self {
        Pieces { at: offset + RECORD_HEADER, end: offset + record_size(name_length) }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    #[inline]
    fn next(&mut self) -> Option<Piece> {
        let piece = Piece { offset: self.at };
        (self.at < self.end).then(|| {
            self.at += piece.width() as u32;
            piece
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Mapped, Region};
    use std::vec;

    const LAYOUT: Layout = Layout::new(192).unwrap();
    const FIRST: u32 = LAYOUT.first_record();

    #[test]
    fn every_length_of_a_name_comes_back_and_fills_its_record() {
        let lengths: &[usize] = if cfg!(miri) {
            &[1, 4, 5, 15, 16, 17, 24, 25, 48, 100]
        } else {
            &std::array::from_fn::<usize, 4096, _>(|i| i + 1)
        };
        for &length in lengths {
            let region = Region::<4096>::new();
            let memory = Mapped::from_words(region.words()).unwrap();
            let text: vec::Vec<u8> = (0..length).map(|i| b'a' + (i % 26) as u8).collect();
            let name = Name::plain(&text).unwrap();
            assert!(is_untouched(&memory, FIRST, name.length()).unwrap());
            write_entry_at(&memory, FIRST, &name).unwrap();
            let record = entry_at(&memory, LAYOUT, FIRST).unwrap();
            assert_eq!(record, Record { offset: FIRST, name_length: length as u32, next: END });
            assert!(record.has_name(&memory, &text).unwrap());
            assert_eq!(record.copy_name(&memory, &mut [0; 4096]).unwrap(), text);
            assert_eq!(memory.load32(record.end(), Ordering::Relaxed), Ok(0));
            assert!(!is_untouched(&memory, FIRST, name.length()).unwrap());
            let mut other = text.clone();
            *other.last_mut().unwrap() = b'#';
            assert!(!record.has_name(&memory, &other).unwrap());
            assert!(!record.has_name(&memory, &text[1..]).unwrap());
        }
    }

    #[test]
    fn padding_and_value_are_zeroed_over_stale_memory() {
        let region = Region::<4096>::new();
        let memory = Mapped::from_words(region.words()).unwrap();
        memory.store64(FIRST, 99, Ordering::Relaxed).unwrap();
        memory.store32(FIRST + 28, 99, Ordering::Relaxed).unwrap();
        write_entry_at(&memory, FIRST, &Name::plain(b"abc").unwrap()).unwrap();
        assert_eq!(memory.load64(FIRST, Ordering::Relaxed), Ok(0));
        assert_eq!(memory.load32(FIRST + 28, Ordering::Relaxed), Ok(0));
    }

    #[test]
    fn links_that_lead_out_of_the_records_are_refused() {
        let region = Region::<4096>::new();
        let memory = Mapped::from_words(region.words()).unwrap();
        let at = |offset| entry_at(&memory, LAYOUT, offset).unwrap_err();
        assert_eq!(at(DEAD), Unreadable::Link(Rule::LinkNotDead));
        assert_eq!(at(FIRST + 4), Unreadable::Link(Rule::LinkAligned));
        assert_eq!(at(FIRST - 32), Unreadable::Link(Rule::LinkInRecords));
        assert_eq!(at(16384), Unreadable::Beyond { need: 16400 });
        assert_eq!(at(u32::MAX - 31), Unreadable::Beyond { need: u32::MAX - 15 });
        assert_eq!(at(FIRST), Unreadable::NameLength(0));
        memory.store32(16384 - 32 + LENGTH_IN_RECORD, LENGTH_MARK | 17, Ordering::Relaxed).unwrap();
        assert_eq!(at(16384 - 32), Unreadable::Beyond { need: 16384 + 32 });
    }
}
