//! Counts of many files, added up by program.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Contents, Program};

/// Sums over count files: by program, version, toolchain, operating system and architecture, whatever
/// the weeks of the files are.
///
/// Sums stop at `u64::MAX`. Stack counters whose names decode to the same text are one; a counter
/// with value 0 was never counted and is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    programs: BTreeMap<Program, Counts>,
}

/// The sums of one program, by decoded name. Names are not always UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Plain counters.
    pub counters: BTreeMap<Vec<u8>, u64>,
    /// Stack counters.
    pub stacks: BTreeMap<Vec<u8>, u64>,
}

/// A file whose header does not say whose counts it holds: one of the seven values is missing or
/// wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownProgram;

impl Totals {
    /// No counts yet.
    #[must_use]
    pub fn new() -> Self {
        Totals::default()
    }

    /// Adds the counts of a file, those that were salvaged from a damaged one among them.
    ///
    /// # Errors
    ///
    /// [`UnknownProgram`]; then nothing was added.
    pub fn add(&mut self, contents: &Contents) -> Result<(), UnknownProgram> {
        let program = Program::of(contents).ok_or(UnknownProgram)?;
        let counted = contents.counters.iter().chain(&contents.orphans).filter(|counter| counter.value > 0);
        for counter in counted {
            let counts = self.programs.entry(program.clone()).or_default();
            let sums = if counter.is_stack() { &mut counts.stacks } else { &mut counts.counters };
            let sum = sums.entry(counter.decoded_name()).or_default();
            *sum = sum.saturating_add(counter.value);
        }
        Ok(())
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: Totals) {
        for (program, counts) in other.programs {
            let into = self.programs.entry(program).or_default();
            for (sums, more) in [(&mut into.counters, counts.counters), (&mut into.stacks, counts.stacks)] {
                for (name, value) in more {
                    let sum = sums.entry(name).or_default();
                    *sum = sum.saturating_add(value);
                }
            }
        }
    }

    /// The programs that have counts, and these, in order.
    pub fn programs(&self) -> impl Iterator<Item = (&Program, &Counts)> {
        self.programs.iter()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }
}

impl Program {
    /// The program that counts into a file, if its header says so.
    #[must_use]
    pub fn of(contents: &Contents) -> Option<Program> {
        let metadata = contents.preamble.metadata()?;
        Some(Program {
            path: metadata.program.to_owned(),
            version: metadata.version.to_owned(),
            toolchain: metadata.toolchain.to_owned(),
            os: metadata.os.to_owned(),
            arch: metadata.arch.to_owned(),
        })
    }
}

impl Counts {
    /// How many counters and stack counters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counters.len() + self.stacks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of all, at most `u64::MAX`.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counters.values().chain(self.stacks.values()).fold(0, |sum, value| sum.saturating_add(*value))
    }
}

impl fmt::Display for UnknownProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the header does not say whose counts these are, or of which days")
    }
}

impl std::error::Error for UnknownProgram {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Base, CountFile, Name, UnixTime};

    const NOW: UnixTime = UnixTime(1_767_607_200); // 2026-01-05T10:00:00Z

    fn contents(program: &Program, counts: &[(&str, u64)]) -> Contents {
        let scratch = tempfile::tempdir().unwrap();
        let file = CountFile::open(&Base::new(scratch.path()), program, NOW).unwrap();
        for (name, n) in counts {
            file.add(file.slot(&Name::new(name.as_bytes()).unwrap()).unwrap(), *n);
        }
        Contents::read(&file.path()).unwrap()
    }

    #[test]
    fn counts_of_one_program_stay_apart_or_those_of_two_meet() {
        let tool = Program::new("example.com/tool", "v1", "rust1.88");
        let newer = Program { version: "v2".into(), ..tool.clone() };
        let mut totals = Totals::new();
        totals.add(&contents(&tool, &[("a", 1), ("zero", 0), ("big", u64::MAX)])).unwrap();
        totals.add(&contents(&newer, &[("a", 5)])).unwrap();
        let mut more = Totals::new();
        more.add(&contents(&tool, &[("a", 2), ("b", 3), ("big", 1)])).unwrap();
        totals.merge(more);
        let programs: Vec<_> = totals.programs().collect();
        assert_eq!(programs.iter().map(|(program, _)| *program).collect::<Vec<_>>(), [&tool, &newer]);
        let counters = &programs[0].1.counters;
        assert_eq!((counters[&b"a"[..]], counters[&b"b"[..]], counters[&b"big"[..]]), (3, 3, u64::MAX));
        assert_eq!((programs[0].1.len(), programs[1].1.total()), (3, 5));
    }

    #[test]
    fn a_salvaged_count_is_left_out() {
        let scratch = tempfile::tempdir().unwrap();
        let tool = Program::new("example.com/tool", "v1", "rust1.88");
        let file = CountFile::open(&Base::new(scratch.path()), &tool, NOW).unwrap();
        let name = Name::new(b"a").unwrap();
        file.add(file.slot(&name).unwrap(), 7);
        let mut bytes = std::fs::read(file.path()).unwrap();
        let head = Contents::parse(&bytes).unwrap().preamble.layout().bucket_at(name.bucket()) as usize;
        bytes[head..head + 4].fill(0);
        let contents = Contents::parse(&bytes).unwrap();
        assert_eq!((contents.counters.len(), contents.orphans.len()), (0, 1));
        let mut totals = Totals::new();
        totals.add(&contents).unwrap();
        assert_eq!(totals.programs().next().unwrap().1.total(), 7);
    }

    #[test]
    fn two_ways_to_write_one_stack_are_counted_apart() {
        let tool = Program::new("example.com/tool", "v1", "rust1.88");
        let mut totals = Totals::new();
        totals.add(&contents(&tool, &[("p\na.f:+1\n\".g:+2", 1), ("p\na.f:+1\na.g:+2", 2)])).unwrap();
        let (_, counts) = totals.programs().next().unwrap();
        assert_eq!(counts.stacks, BTreeMap::from([(b"p\na.f:+1\na.g:+2".to_vec(), 3)]));
    }
}
