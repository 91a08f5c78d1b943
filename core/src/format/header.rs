//! The header: magic, header length, and the metadata that says whose counts these are.
//!
//! Format document, section 2.

use core::fmt::{self, Write};

use heapless::Vec;

use super::layout::{HEADER_LENGTH_AT, HEADER_MAX, Layout, MAGIC, METADATA_MAX, UNIT, header_length};
use crate::calendar::Day;
use crate::fault::{Fault, Rule};
use crate::words::{Ordering, Outside, ReadWords, Words};

/// The keys of the metadata, in their order.
pub const KEYS: [&str; 7] = ["TimeBegin", "TimeEnd", "Program", "Version", "GoVersion", "GOOS", "GOARCH"];

/// What follows the day in a time.
pub(super) const MIDNIGHT: &str = "T00:00:00Z";

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
    pub(super) fn around(text: &[u8]) -> Option<Header> {
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
pub(super) mod tests {
    use super::*;
    use crate::words::Bytes;
    use std::string::ToString;
    use std::vec::Vec as StdVec;

    pub(in crate::format) fn golden() -> Metadata<'static> {
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

    pub(in crate::format) fn page(header: &[u8]) -> StdVec<u8> {
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
}
