//! The file of the simulator: the few words that its processes can touch; all others never change.

use std::sync::Arc;

use tallymark_core::words::Ordering;
use tallymark_core::{Header, Layout, Outside, ReadWords};

use super::explorer::Fingerprint;

/// Words that can change. Enough for the limit, two buckets and fourteen records of one unit.
const TRACKED: usize = 128;
const UNITS: usize = TRACKED / 8;

/// Which words of the file can change, and the header before them.
#[derive(Debug)]
pub struct Plan {
    header: Header,
    /// Ranges of offsets that are tracked: first of units, then of single words.
    ranges: Vec<std::ops::Range<u32>>,
}

/// A file at one moment.
#[derive(Clone, Debug)]
pub struct Memory {
    plan: Arc<Plan>,
    words: [u32; TRACKED],
    /// Length of the file in bytes.
    pub file_length: u32,
    /// Who may touch each unit behind the limit.
    claims: [Claim; UNITS],
    /// The first write outside the tracked words, or touch of a place that belongs to another.
    pub stray: Option<u32>,
}

/// Whose a unit of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Free,
    /// Reserved by a process that has not published it.
    Of(usize),
    Public,
}

impl Plan {
    /// A plan for these ranges of offsets.
    ///
    /// # Panics
    ///
    /// If there are more than 128 words in them.
    #[must_use]
    pub fn new(header: Header, ranges: Vec<std::ops::Range<u32>>) -> Self {
        assert!(ranges.iter().map(|range| range.len() / 4).sum::<usize>() <= TRACKED);
        Plan { header, ranges }
    }

    /// Where the parts of the file are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.header.layout()
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn index(&self, offset: u32) -> Option<usize> {
        let mut before = 0;
        for range in &self.ranges {
            if range.contains(&offset) {
                return Some(before + (offset - range.start) as usize / 4);
            }
            before += range.len() / 4;
        }
        None
    }
}

impl Memory {
    /// A file of zeros behind its header.
    #[must_use]
    pub fn new(plan: Arc<Plan>, file_length: u32) -> Self {
        Memory { plan, words: [0; TRACKED], file_length, claims: [Claim::Free; UNITS], stray: None }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The word at `offset`.
    #[must_use]
    pub fn get(&self, offset: u32) -> u32 {
        match self.plan.index(offset) {
            Some(index) => self.words[index],
            None => {
                let header =
                    self.plan.header.bytes().get(offset as usize..).and_then(|rest| rest.first_chunk());
                header.copied().map_or(0, u32::from_ne_bytes)
            }
        }
    }

    /// Sets the word at `offset`.
    pub fn set(&mut self, offset: u32, value: u32) {
        match self.plan.index(offset) {
            Some(index) => self.words[index] = value,
            // Zero over zero changes nothing.
            None if value == 0 && self.get(offset) == 0 => {}
            None => self.stray = self.stray.or(Some(offset)),
        }
    }

    /// The 64-bit word at `offset`.
    #[must_use]
    pub fn get64(&self, offset: u32) -> u64 {
        join(self.get(offset), self.get(offset + 4))
    }

    /// Sets the 64-bit word at `offset`.
    pub fn set64(&mut self, offset: u32, value: u64) {
        let [a, b, c, d, e, f, g, h] = value.to_ne_bytes();
        self.set(offset, u32::from_ne_bytes([a, b, c, d]));
        self.set(offset + 4, u32::from_ne_bytes([e, f, g, h]));
    }

    fn claim_mut(&mut self, offset: u32) -> Option<&mut Claim> {
        let unit = self.plan.index(offset & !31)? / 8;
        (offset >= self.plan.layout().first_record()).then(|| &mut self.claims[unit])
    }

    /// A process touches a word: true if the word is in a place that it has reserved and not published,
    /// so that nobody else may touch it.
    pub fn touch(&mut self, actor: usize, offset: u32) -> bool {
        match self.claim_mut(offset) {
            Some(&mut Claim::Of(owner)) if owner == actor => true,
            Some(&mut Claim::Of(_)) => {
                self.stray = self.stray.or(Some(offset));
                false
            }
            _ => false,
        }
    }

    /// The limit has gone from `old` to `new` by this process: what is between is its own.
    pub fn reserve(&mut self, actor: usize, old: u32, new: u32) {
        for unit in (old..new).step_by(32) {
            // A limit that has gone back gives away what is public. What belongs to another shows when
            // it is touched.
            if let Some(claim @ Claim::Free) = self.claim_mut(unit) {
                *claim = Claim::Of(actor);
            }
        }
    }

    /// A bucket leads to the record at `start` now.
    pub fn publish(&mut self, start: u32) {
        if let Some(claim) = self.claim_mut(start) {
            *claim = Claim::Public;
        }
    }

    /// A hash of all words. Claims follow from them and from what the processes have done.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let start = Fingerprint::new().with(self.file_length.into()).with(self.stray.unwrap_or(0).into());
        self.words.chunks_exact(2).fold(start, |hash, pair| hash.with(join(pair[0], pair[1])))
    }
}

fn join(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// The file as a reader sees it, which has all of it.
impl ReadWords for Memory {
    fn length(&self) -> u32 {
        self.file_length
    }

    fn load32(&self, offset: u32, _: Ordering) -> Result<u32, Outside> {
        inside(offset, 4, self.file_length).map(|()| self.get(offset))
    }

    fn load64(&self, offset: u32, _: Ordering) -> Result<u64, Outside> {
        inside(offset, 8, self.file_length).map(|()| self.get64(offset))
    }
}

/// The bounds and alignment that every memory checks.
///
/// # Errors
///
/// [`Outside`].
pub fn inside(offset: u32, width: u32, length: u32) -> Result<(), Outside> {
    let fits = offset.is_multiple_of(width) && offset.checked_add(width).is_some_and(|end| end <= length);
    if fits { Ok(()) } else { Err(Outside { offset }) }
}
