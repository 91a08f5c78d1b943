//! A broken rule of the file format: where, what was found, and which rule.

use core::fmt;

/// One place of a file that breaks a rule of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Offset in bytes of the word or text that breaks the rule.
    pub offset: u32,
    /// The value found there: the word, or for a text or file length the length in bytes.
    pub value: u64,
    /// The rule.
    pub rule: Rule,
}

macro_rules! rules {
    ($($variant:ident $name:literal $section:literal $text:literal,)*) => {
        /// The rules of the format that bytes can break. The text of each is [`Rule::text`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $text] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order of the format document.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// A short stable name for programs, such as `limit-aligned`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name,)* }
            }

            /// The section of the format document that states the rule.
            #[must_use]
            pub const fn section(self) -> u8 {
                match self { $(Rule::$variant => $section,)* }
            }

            /// The rule in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Rule::$variant => $text,)* }
            }
        }
    };
}

rules! {
    FileLength "file-length" 1 "a file is a whole number of 16384-byte pages, at least one",
    Magic "magic" 2 "a file starts with the 28 bytes `# telemetry/counter file v1` and a newline",
    HeaderLength "header-length" 2 "the header length is a multiple of 32 from 32 to 544, in one of the two byte orders",
    HeaderMatches "header-matches" 2 "all processes that count into one file give it the same header",
    MetadataText "metadata-text" 2 "the metadata is UTF-8",
    MetadataLine "metadata-line" 2 "a metadata line is `Key: value`",
    MetadataKeys "metadata-keys" 2 "the metadata has TimeBegin, TimeEnd, Program, Version, GoVersion, GOOS and GOARCH, in this order, then an empty line",
    MetadataTime "metadata-time" 2 "TimeBegin and TimeEnd are midnights in UTC such as 2026-01-05T00:00:00Z, the end later than the begin",
    HeaderPadding "header-padding" 2 "the header is filled with zeros after the metadata",
    LimitAligned "limit-aligned" 3 "the limit is a multiple of 32",
    LimitRange "limit-range" 3 "the limit is 0 or past the bucket table",
    LimitInFile "limit-in-file" 3 "the limit is not past the end of the file",
    LimitRises "limit-rises" 3 "the limit only rises",
    LinkAligned "link-aligned" 4 "a link is a multiple of 32",
    LinkInRecords "link-in-records" 4 "a link is not before the first record",
    LinkInFile "link-in-file" 4 "a linked record is inside the file",
    LinkBelowLimit "link-below-limit" 4 "a linked record ends at or before the limit",
    LinkOnce "link-once" 4 "a record is linked once, and no chain is a ring",
    LinkNotDead "link-not-dead" 4 "a dead record is in no chain",
    NameLength "name-length" 4 "a name has 1 to 4096 bytes",
    NameBucket "name-bucket" 4 "a record is in the chain of its name's bucket",
    NameOnce "name-once" 4 "a name is in a file once",
    RecordInPage "record-in-page" 4 "a record does not cross or reach the end of a 16384-byte page",
    RecordApart "record-apart" 4 "records do not overlap",
    RecordLinked "record-linked" 4 "a record with a count is in a chain",
    ChainKeepsHead "chain-keeps-head" 5 "a chain only gains records at its head",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { offset, value, rule } = self;
        write!(f, "offset {offset:#x}: found {value:#x}; {rule} ({})", rule.name())
    }
}

impl core::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_fault_names_its_offset_value_and_rule() {
        let fault = Fault { offset: 192, value: 77, rule: Rule::LimitAligned };
        assert_eq!(
            fault.to_string(),
            "offset 0xc0: found 0x4d; the limit is a multiple of 32 (limit-aligned)"
        );
    }

    #[test]
    fn no_two_rules_share_a_name() {
        for (i, rule) in Rule::ALL.iter().enumerate() {
            assert!(Rule::ALL[..i].iter().all(|other| other.name() != rule.name()), "{}", rule.name());
        }
    }
}
