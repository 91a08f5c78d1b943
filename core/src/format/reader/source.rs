//! The words of a file as numbers: in its byte order, with what its length and limit allow.

use crate::fault::{Fault, Rule};
use crate::format::layout::{FILE_MIN, Layout, PAGE, UNIT};
use crate::format::preamble::Preamble;
use crate::words::{Ordering, Outside, ReadWords};

/// The words of a file with their byte order.
#[derive(Debug)]
pub(super) struct Source<W> {
    pub(super) words: W,
    pub(super) layout: Layout,
    swap: bool,
    /// Length when the reader was opened: what is added later is not read.
    pub(super) length: u32,
    /// The limit word; 0 if the file is too short to have one.
    pub(super) limit: u32,
}

impl<W: ReadWords> Source<W> {
    pub(super) fn new(words: W, length: u32, preamble: &Preamble) -> Self {
        let (layout, swap) = (preamble.layout(), preamble.is_foreign_order());
        let mut source = Source { words, layout, swap, length, limit: 0 };
        source.limit = source.load32(layout.limit_at()).unwrap_or(0);
        source
    }

    pub(super) fn load32(&self, offset: u32) -> Result<u32, Outside> {
        // ORDER: Acquire, always. Over live memory the load of a bucket pairs with the Release that
        // publishes in `Table::publish`.
        let word = self.words.load32(offset, Ordering::Acquire)?;
        Ok(if self.swap { word.swap_bytes() } else { word })
    }

    pub(super) fn load64(&self, offset: u32) -> Result<u64, Outside> {
        // ORDER: Relaxed. A count orders nothing.
        let word = self.words.load64(offset, Ordering::Relaxed)?;
        Ok(if self.swap { word.swap_bytes() } else { word })
    }

    /// Whether the file holds `size` bytes at `offset`.
    pub(super) fn holds(&self, offset: u32, size: u32) -> bool {
        offset.checked_add(size).is_some_and(|end| end <= self.length)
    }

    pub(super) fn length_fault(&self) -> Option<Fault> {
        let whole = self.length >= FILE_MIN && self.length.is_multiple_of(PAGE);
        (!whole).then(|| Fault { offset: 0, value: self.length.into(), rule: Rule::FileLength })
    }

    pub(super) fn limit_fault(&self) -> Option<Fault> {
        let rule = if !self.limit.is_multiple_of(UNIT) {
            Rule::LimitAligned
        } else if self.limit != 0 && self.limit < self.layout.first_record() {
            Rule::LimitRange
        } else if self.limit > self.length {
            Rule::LimitInFile
        } else {
            return None;
        };
        Some(Fault { offset: self.layout.limit_at(), value: self.limit.into(), rule })
    }

    /// Where the allocated part ends; a limit that cannot be believed is replaced by the file's end.
    pub(super) fn scan_end(&self) -> u32 {
        let end = self.length & !(UNIT - 1);
        if self.limit_fault().is_some() { end } else { self.limit.min(end) }
    }

    pub(super) fn is_zero(&self, unit: u32) -> bool {
        self.load64(unit) == Ok(0)
            && (unit + 8..unit + UNIT).step_by(4).all(|offset| self.load32(offset) == Ok(0))
    }
}
