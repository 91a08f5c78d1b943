//! Reading a header that somebody else wrote, perhaps on another machine.
//!
//! Format document, section 2.

use heapless::Vec;

use super::header::{KEYS, MIDNIGHT, Metadata};
use super::layout::{HEADER_LENGTH_AT, Layout, MAGIC, METADATA_AT, METADATA_MAX};
use crate::calendar::Day;
use crate::fault::{Fault, Rule};
use crate::words::{Ordering, ReadWords};

/// The header of a file that somebody else wrote, perhaps on another machine.
#[derive(Clone, Debug)]
pub struct Preamble {
    layout: Layout,
    foreign_order: bool,
    metadata: Vec<u8, { METADATA_MAX as usize }>,
    faults: Vec<Fault, 8>,
}

impl Preamble {
    /// Reads a header. Faults that leave the rest of the file readable are kept aside, at most one
    /// of each rule: [`Preamble::faults`].
    ///
    /// # Errors
    ///
    /// The [`Fault`] without which nothing can be read: length, magic, header length.
    pub fn read<W: ReadWords>(words: &W) -> Result<Preamble, Fault> {
        let length = words.length();
        let too_short = Fault { offset: 0, value: length.into(), rule: Rule::FileLength };
        // ORDER: Acquire, here and below. Pairs with the Release in `Header::write`.
        let word = |offset| words.load32(offset, Ordering::Acquire).map_err(|_| too_short);
        for (offset, expected) in (0..).step_by(4).zip(MAGIC.chunks_exact(4)) {
            let found = word(offset)?;
            if found.to_ne_bytes() != *expected {
                return Err(Fault { offset, value: found.into(), rule: Rule::Magic });
            }
        }
        let stored = word(HEADER_LENGTH_AT)?;
        let (layout, foreign_order) = match (Layout::new(stored), Layout::new(stored.swap_bytes())) {
            (Some(layout), _) => (layout, false),
            (None, Some(layout)) => (layout, true),
            (None, None) => {
                let rule = Rule::HeaderLength;
                return Err(Fault { offset: HEADER_LENGTH_AT, value: stored.into(), rule });
            }
        };
        let mut metadata = Vec::new();
        for offset in (METADATA_AT..layout.header_length()).step_by(4) {
            metadata.extend_from_slice(&word(offset)?.to_ne_bytes()).map_err(|_| too_short)?;
        }
        let mut preamble = Preamble { layout, foreign_order, metadata, faults: Vec::new() };
        preamble.check();
        Ok(preamble)
    }

    /// Where the parts of the file are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether the file was written by a machine of the other byte order.
    #[must_use]
    pub fn is_foreign_order(&self) -> bool {
        self.foreign_order
    }

    /// What is wrong with the metadata.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The metadata text, up to the first zero byte.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let end = self.metadata.iter().position(|&byte| byte == 0).unwrap_or(self.metadata.len());
        &self.metadata[..end]
    }

    /// The keys and values of the metadata, in file order; lines without `": "` are left out.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.text().split(|&byte| byte == b'\n').filter_map(split_line)
    }

    /// The value of a key, if it is there and is UTF-8.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.entries().find(|(found, _)| *found == key.as_bytes())?;
        core::str::from_utf8(value).ok()
    }

    /// The day of `TimeBegin` or `TimeEnd`, if it is a midnight in UTC.
    #[must_use]
    pub fn day(&self, key: &str) -> Option<Day> {
        Day::parse(self.get(key)?.strip_suffix(MIDNIGHT)?)
    }

    /// The metadata, if all seven values are there and right.
    #[must_use]
    pub fn metadata(&self) -> Option<Metadata<'_>> {
        Some(Metadata {
            time_begin: self.day("TimeBegin")?,
            time_end: self.day("TimeEnd")?,
            program: self.get("Program")?,
            version: self.get("Version")?,
            toolchain: self.get("GoVersion")?,
            os: self.get("GOOS")?,
            arch: self.get("GOARCH")?,
        })
    }

    fn check(&mut self) {
        let mut faults: Vec<Fault, 8> = Vec::new();
        let text = self.text();
        // There are fewer rules here than places in `faults`, and each is reported once at most.
        let mut report = |at: usize, value: usize, rule| {
            if faults.iter().all(|fault| fault.rule != rule) {
                let _ = faults.push(Fault { offset: METADATA_AT + at as u32, value: value as u64, rule });
            }
        };
        if let Err(error) = core::str::from_utf8(text) {
            report(error.valid_up_to(), text[error.valid_up_to()].into(), Rule::MetadataText);
        }
        let mut at = 0;
        let mut keys = KEYS.iter();
        for line in text.split(|&byte| byte == b'\n') {
            match split_line(line) {
                Some((key, _)) if KEYS.iter().any(|known| known.as_bytes() == key) => {
                    if keys.next().is_none_or(|expected| expected.as_bytes() != key) {
                        report(at, line.len(), Rule::MetadataKeys);
                    }
                }
                // Readers accept keys they do not know.
                Some(_) => {}
                None if line.is_empty() => {}
                None => report(at, line.len(), Rule::MetadataLine),
            }
            at += line.len() + 1;
        }
        if keys.next().is_some() || !text.ends_with(b"\n\n") {
            report(text.len(), text.len(), Rule::MetadataKeys);
        }
        match (self.day("TimeBegin"), self.day("TimeEnd")) {
            (Some(begin), Some(end)) if begin < end => {}
            _ => report(0, text.len(), Rule::MetadataTime),
        }
        if let Some(dirt) = self.metadata[text.len()..].iter().position(|&byte| byte != 0) {
            report(text.len() + dirt, self.metadata[text.len() + dirt].into(), Rule::HeaderPadding);
        }
        self.faults = faults;
    }
}

fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.windows(2).position(|pair| pair == b": ")?;
    Some((&line[..at], &line[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::header::Header;
    use crate::format::header::tests::{golden, page};
    use crate::words::Bytes;
    use std::string::ToString;
    use std::vec::Vec as StdVec;

    #[test]
    fn metadata_comes_back_from_both_byte_orders() {
        let header = golden().encode().unwrap();
        let mut bytes = page(header.bytes());
        let preamble = Preamble::read(&Bytes(&bytes)).unwrap();
        assert_eq!((preamble.metadata(), preamble.faults()), (Some(golden()), &[][..]));
        assert!(!preamble.is_foreign_order());
        bytes[28..32].reverse();
        let foreign = Preamble::read(&Bytes(&bytes)).unwrap();
        assert!(foreign.is_foreign_order());
        assert_eq!(foreign.metadata(), Some(golden()));
    }

    #[test]
    fn faults_of_the_metadata_are_named() {
        let rules = |text: &str| -> StdVec<Rule> {
            let header = Header::around(text.as_bytes()).unwrap();
            let preamble = Preamble::read(&Bytes(&page(header.bytes()))).unwrap();
            preamble.faults().iter().map(|fault| fault.rule).collect()
        };
        let good = core::str::from_utf8(&golden().encode().unwrap().bytes()[32..187]).unwrap().to_string();
        assert_eq!(rules(&good), []);
        assert_eq!(rules(&good.replace("GOOS", "Extra: 1\nGOOS")), []);
        assert_eq!(rules(&good.replace("GOOS: ", "GOOS ")), [Rule::MetadataLine, Rule::MetadataKeys]);
        assert_eq!(rules(&good.replace("Program: example.com/cmd/tool\n", "")), [Rule::MetadataKeys]);
        assert_eq!(rules(&good.replace("01-07", "01-05")), [Rule::MetadataTime]);
        assert_eq!(rules(&good.replace("amd64\n", "amd64\n\0x")), [Rule::MetadataKeys, Rule::HeaderPadding]);
        assert_eq!(rules(""), [Rule::MetadataKeys, Rule::MetadataTime]);
    }

    #[test]
    fn a_header_that_cannot_be_read_is_one_fault() {
        let header = golden().encode().unwrap();
        let read = |bytes: &[u8]| Preamble::read(&Bytes(bytes)).unwrap_err();
        assert_eq!(read(&[]), Fault { offset: 0, value: 0, rule: Rule::FileLength });
        assert_eq!(read(&header.bytes()[..100]).rule, Rule::FileLength);
        let mut bytes = page(header.bytes());
        bytes[13] ^= 1;
        assert_eq!((read(&bytes).offset, read(&bytes).rule), (12, Rule::Magic));
        for length in [0u32, 1, 31, 33, 576, u32::MAX] {
            let mut bytes = page(header.bytes());
            bytes[28..32].copy_from_slice(&length.to_ne_bytes());
            let expected = Fault { offset: 28, value: length.into(), rule: Rule::HeaderLength };
            assert_eq!(read(&bytes), expected);
        }
    }
}
