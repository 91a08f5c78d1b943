//! The bytes of a count file, made by the core and then changed by hand.

use std::sync::atomic::Ordering;

use tallymark_core::format::layout::hash;
use tallymark_core::format::record::{set_next, write_entry_at};
use tallymark_core::words::{Mapped, Region, Words};
use tallymark_core::{CounterFile, Day, Header, Layout, Metadata, Name};

/// Words of the memory that images are made in: four pages.
const WORDS: usize = 4 * 4096;

/// The header of the golden files.
///
/// # Panics
///
/// Never: its metadata is good.
#[must_use]
pub fn header() -> Header {
    let metadata = Metadata {
        time_begin: Day::from_civil(2026, 1, 5).expect("a date"),
        time_end: Day::from_civil(2026, 1, 7).expect("a date"),
        program: "example.com/cmd/tool",
        version: "v1.2.3",
        toolchain: "go1.27.3",
        os: "linux",
        arch: "amd64",
    };
    metadata.encode().expect("good metadata")
}

/// Four pages of memory.
#[must_use]
pub fn memory() -> Box<Region<WORDS>> {
    Box::new(Region::new())
}

/// The bytes of a file.
#[derive(Clone, Debug)]
pub struct Image {
    /// All of them.
    pub bytes: Vec<u8>,
}

impl Image {
    /// A healthy file with these counters, in this order; as long as they need.
    ///
    /// # Panics
    ///
    /// If a name is bad or there is too much for four pages.
    #[must_use]
    pub fn healthy(counters: &[(&[u8], u64)]) -> Image {
        let region = memory();
        // Half a page more than the records take, for header, table and the ends of pages.
        let records: usize = counters.iter().map(|(name, _)| name.len() + 48).sum();
        let count = WORDS.min((records * 4 / 3 + 8192).next_multiple_of(16384) / 4);
        let words = Mapped::from_words(&region.words()[..count]).expect("aligned memory");
        let file = CounterFile::format(words, &header()).expect("enough memory");
        for (name, value) in counters {
            let slot = file.slot(&Name::new(name).expect("a good name")).expect("room");
            file.add(slot, *value).expect("a slot of this file");
        }
        let mut image = Image::of(&region, 4 * count);
        let used = image.word(header().layout().limit_at()).max(1) as usize;
        image.bytes.truncate(used.next_multiple_of(16384));
        image
    }

    /// The first bytes of some memory, in whole words.
    #[must_use]
    pub fn of(region: &Region<WORDS>, length: usize) -> Image {
        let words = region.words().iter().take(length / 4);
        Image { bytes: words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect() }
    }

    /// Puts the whole words of the file into memory, and returns the part of the memory it fills.
    ///
    /// # Panics
    ///
    /// Never: a region is aligned.
    #[must_use]
    pub fn lay<'r>(&self, region: &'r Region<WORDS>) -> Mapped<'r> {
        let count = (self.bytes.len() / 4).min(WORDS);
        for (word, bytes) in region.words().iter().zip(self.bytes.chunks_exact(4)) {
            word.store(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]), Ordering::Relaxed);
        }
        Mapped::from_words(&region.words()[..count]).expect("aligned memory")
    }

    /// The word at `offset`.
    ///
    /// # Panics
    ///
    /// If the file is shorter.
    #[must_use]
    pub fn word(&self, offset: u32) -> u32 {
        let at = offset as usize;
        u32::from_ne_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// Sets the word at `offset`.
    pub fn set(&mut self, offset: u32, value: u32) {
        let at = offset as usize;
        self.bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// Writes a record at `offset` as a writer does, with a link; nothing leads to it.
    ///
    /// # Panics
    ///
    /// If the name is bad or there is no room.
    pub fn write(&mut self, offset: u32, name: &[u8], value: u64, next: u32) {
        let region = memory();
        let words = self.lay(&region);
        write_entry_at(&words, offset, &Name::new(name).expect("a good name")).expect("room");
        words.store64(offset, value, Ordering::Relaxed).expect("room");
        set_next(&words, offset, next).expect("room");
        *self = Image::of(&region, self.bytes.len());
    }

    /// Replaces text that stands in the file once.
    ///
    /// # Panics
    ///
    /// If it does not stand there, or the new text has another length.
    pub fn replace(&mut self, old: &str, new: &str) {
        assert_eq!(old.len(), new.len());
        let at = self.bytes.windows(old.len()).position(|window| window == old.as_bytes()).expect("the text");
        self.bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }

    /// The file as a machine of the other byte order would have written it.
    #[must_use]
    pub fn of_other_order(&self) -> Image {
        let mut other = self.clone();
        let layout = layout();
        other.bytes[28..32].reverse();
        for at in (layout.limit_at()..layout.table_end()).step_by(4) {
            other.bytes[at as usize..at as usize + 4].reverse();
        }
        let mut at = layout.first_record();
        while at < self.word(layout.limit_at()) {
            let length = self.word(at + 8) & 0x00ff_ffff;
            let start = at as usize;
            other.bytes[start..start + 8].reverse();
            other.bytes[start + 8..start + 12].reverse();
            other.bytes[start + 12..start + 16].reverse();
            at += tallymark_core::format::layout::record_size(length);
        }
        other
    }
}

/// The layout of all images.
///
/// # Panics
///
/// Never.
#[must_use]
pub fn layout() -> Layout {
    header().layout()
}

/// Offset of the bucket of a name.
#[must_use]
pub fn bucket_of(name: &str) -> u32 {
    layout().bucket_at(hash(name.as_bytes()))
}
