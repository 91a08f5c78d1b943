//! The header: magic, header length, and the metadata that says whose counts these are.
//!
//! Format document, section 2.

use core::fmt::{self, Write};

use heapless::Vec;

use super::layout::{
    HEADER_LENGTH_AT, HEADER_MAX, Layout, MAGIC, METADATA_AT, METADATA_MAX, UNIT, header_length,
};
use crate::calendar::Day;
use crate::fault::{Fault, Rule};
use crate::words::{Ordering, Outside, ReadWords, Words};

/// The keys of the metadata, in their order.
pub const KEYS: [&str; 7] = ["TimeBegin", "TimeEnd", "Program", "Version", "GoVersion", "GOOS", "GOARCH"];

const MIDNIGHT: &str = "T00:00:00Z";

/// Who counts, and for how long. The same values give the same file in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Metadata<'a> {
    /// First day of the counts, from its midnight in UTC.
    pub time_begin: Day,
    /// The day at whose midnight the counts end; later than `time_begin`.
    pub time_end: Day,
    /// Path of the program, such as `example.com/cmd/tool`; not empty.
    pub program: &'a str,
    /// Version of the program; may be empty.
    pub version: &'a str,
    /// Version of the toolchain that built it (key `GoVersion`).
    pub toolchain: &'a str,
    /// Operating system, by Go's names (key `GOOS`).
    pub os: &'a str,
    /// Architecture, by Go's names (key `GOARCH`).
    pub arch: &'a str,
}

/// Why metadata cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// The text would be longer than 512 bytes.
    TooLong,
    /// The program has no name.
    NoProgram,
    /// A value has a newline or a zero byte, or one that goes into the file's name has a slash.
    BadCharacter {
        /// The key of the value.
        key: &'static str,
    },
    /// The end is not later than the begin.
    Times,
}

impl<'a> Metadata<'a> {
    /// The header of a file with this metadata.
    ///
    /// # Errors
    ///
    /// [`MetadataError`].
    pub fn encode(&self) -> Result<Header, MetadataError> {
        self.check()?;
        let mut text: Vec<u8, { METADATA_MAX as usize }> = Vec::new();
        let Metadata { time_begin, time_end, program, version, toolchain, os, arch } = self;
        write!(text, "TimeBegin: {time_begin}{MIDNIGHT}\nTimeEnd: {time_end}{MIDNIGHT}\n")
            .and_then(|()| write!(text, "Program: {program}\nVersion: {version}\nGoVersion: {toolchain}\n"))
            .and_then(|()| write!(text, "GOOS: {os}\nGOARCH: {arch}\n\n"))
            .map_err(|_| MetadataError::TooLong)?;
        Header::around(&text).ok_or(MetadataError::TooLong)
    }

    /// The name of the file in its directory:
    /// `base(program)[@version]-toolchain-os-arch-begin.v1.count`.
    #[must_use]
    pub fn file_name(&self) -> FileName<'_> {
        FileName(self)
    }

    /// The last element of the program's path.
    #[must_use]
    pub fn program_base(&self) -> &'a str {
        let path = self.program.trim_end_matches('/');
        path.rsplit('/').next().unwrap_or(path)
    }

    fn check(&self) -> Result<(), MetadataError> {
        if self.time_end <= self.time_begin {
            return Err(MetadataError::Times);
        }
        if self.program_base().is_empty() {
            return Err(MetadataError::NoProgram);
        }
        let values = [self.program, self.version, self.toolchain, self.os, self.arch];
        for (&key, value) in KEYS[2..].iter().zip(values) {
            let slash = key != "Program" && value.contains(['/', '\\']);
            if slash || value.contains(['\n', '\0']) {
                return Err(MetadataError::BadCharacter { key });
            }
        }
        Ok(())
    }
}

/// [`Metadata::file_name`], for display.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'a>(&'a Metadata<'a>);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Metadata { version, toolchain, os, arch, time_begin, .. } = self.0;
        let base = self.0.program_base();
        let at = if version.is_empty() { "" } else { "@" };
        write!(f, "{base}{at}{version}-{toolchain}-{os}-{arch}-{time_begin}.v1.count")
    }
}

/// The bytes of a header, in the byte order of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Invariant: `layout.header_length()` bytes, a multiple of 32.
    bytes: Vec<u8, { HEADER_MAX as usize }>,
    layout: Layout,
}

impl Header {
    /// A header around a metadata text; `None` if the text is too long.
    fn around(text: &[u8]) -> Option<Header> {
        let length = header_length(u32::try_from(text.len()).ok()?)?;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC).ok()?;
        bytes.extend_from_slice(&length.to_ne_bytes()).ok()?;
        bytes.extend_from_slice(text).ok()?;
        bytes.resize(length as usize, 0).ok()?;
        Some(Header { bytes, layout: Layout::new(length)? })
    }

    /// The bytes: 32 to 544, a multiple of 32.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a file with this header keeps its parts.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    fn word(&self, offset: u32) -> u32 {
        let bytes = self.bytes.get(offset as usize..).and_then(|tail| tail.first_chunk());
        bytes.copied().map_or(0, u32::from_ne_bytes)
    }

    /// Checks that a file has exactly this header and is long enough for its table.
    ///
    /// # Errors
    ///
    /// A [`Fault`] at the first word that differs, or [`Rule::FileLength`].
    pub fn check<W: ReadWords>(&self, words: &W) -> Result<(), Fault> {
        let length = words.length();
        let too_short = Fault { offset: 0, value: length.into(), rule: Rule::FileLength };
        if length < super::layout::FILE_MIN {
            return Err(too_short);
        }
        for offset in (0..self.layout.header_length()).step_by(4) {
            // ORDER: Acquire. The first word pairs with the Release in `write`.
            let found = words.load32(offset, Ordering::Acquire).map_err(|_| too_short)?;
            if found != self.word(offset) {
                let rule = if offset < HEADER_LENGTH_AT { Rule::Magic } else { Rule::HeaderMatches };
                return Err(Fault { offset, value: found.into(), rule });
            }
        }
        Ok(())
    }

    /// Overwrites memory that nobody else uses yet with an empty file; its first word comes last.
    pub(crate) fn write<W: Words>(&self, words: &W) -> Result<(), Outside> {
        let (records, end) = (self.layout.first_record(), words.length() & !(UNIT - 1));
        // ORDER: Relaxed, three times. The Release below covers them.
        for offset in (4..records).step_by(4) {
            words.store32(offset, self.word(offset), Ordering::Relaxed)?;
        }
        for unit in (records..end).step_by(UNIT as usize) {
            // ORDER: Relaxed. As above.
            words.store64(unit, 0, Ordering::Relaxed)?;
            for offset in (unit + 8..unit + UNIT).step_by(4) {
                // ORDER: Relaxed. As above.
                words.store32(offset, 0, Ordering::Relaxed)?;
            }
        }
        // ORDER: Release. Pairs with the Acquire in `check`.
        words.store32(0, self.word(0), Ordering::Release)
    }
}

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

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetadataError::TooLong => write!(f, "the metadata is longer than {METADATA_MAX} bytes"),
            MetadataError::NoProgram => f.write_str("the program has no name"),
            MetadataError::BadCharacter { key: "Program" } => {
                f.write_str("the value of Program has a newline or a zero byte")
            }
            MetadataError::BadCharacter { key } => {
                write!(f, "the value of {key} has a newline, a zero byte or a slash")
            }
            MetadataError::Times => f.write_str("the end of the counts is not later than their begin"),
        }
    }
}

impl core::error::Error for MetadataError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Bytes;
    use std::string::ToString;
    use std::vec::Vec as StdVec;

    fn golden() -> Metadata<'static> {
        Metadata {
            time_begin: Day::from_civil(2026, 1, 5).unwrap(),
            time_end: Day::from_civil(2026, 1, 7).unwrap(),
            program: "example.com/cmd/tool",
            version: "v1.2.3",
            toolchain: "go1.27.3",
            os: "linux",
            arch: "amd64",
        }
    }

    fn page(header: &[u8]) -> StdVec<u8> {
        let mut bytes = header.to_vec();
        bytes.resize(16384, 0);
        bytes
    }

    #[test]
    fn header_and_file_name_match_the_golden_file() {
        let header = golden().encode().unwrap();
        assert_eq!(header.layout().header_length(), 192);
        assert_eq!(header.bytes().iter().rposition(|&byte| byte != 0), Some(32 + 155 - 1));
        assert_eq!(golden().file_name().to_string(), "tool@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count");
        assert!(header.check(&Bytes(&page(header.bytes()))).is_ok());
    }

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
    fn metadata_that_would_not_come_back_is_refused() {
        let long = "x".repeat(400);
        for (metadata, error) in [
            (Metadata { program: "", ..golden() }, MetadataError::NoProgram),
            (Metadata { program: "//", ..golden() }, MetadataError::NoProgram),
            (Metadata { program: &long, ..golden() }, MetadataError::TooLong),
            (Metadata { program: "a\nb", ..golden() }, MetadataError::BadCharacter { key: "Program" }),
            (Metadata { version: "../x", ..golden() }, MetadataError::BadCharacter { key: "Version" }),
            (Metadata { arch: "a\0", ..golden() }, MetadataError::BadCharacter { key: "GOARCH" }),
            (Metadata { time_end: golden().time_begin, ..golden() }, MetadataError::Times),
        ] {
            assert_eq!(metadata.encode(), Err(error));
        }
        assert!(Metadata { version: "", ..golden() }.encode().is_ok());
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
