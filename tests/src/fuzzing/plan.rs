//! Inputs with structure: a healthy file, then some damage. Bytes at random hardly ever get past the magic.

use arbitrary::{Arbitrary, Result, Unstructured};
use tallymark_core::format::layout::DEAD;

use crate::damage::image::{Image, layout};

/// A counter of a healthy file.
#[derive(Debug, Arbitrary)]
struct Counter {
    name: Name,
    value: u64,
}

/// A name: few short ones, so that names come again and share chains, or any bytes.
#[derive(Debug, Arbitrary)]
pub(super) enum Name {
    /// One of 256.
    Numbered(u8),
    /// Three of one bucket.
    Colliding(u8),
    /// A byte, repeated.
    Long(u8, u16),
    /// Any bytes.
    Any(Vec<u8>),
}

impl Name {
    /// The bytes, 1 to 4096.
    #[must_use]
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = match self {
            Name::Numbered(number) => format!("name-{number}").into_bytes(),
            Name::Colliding(number) => ["gophers", "n988", "n1426"][usize::from(number % 3)].into(),
            Name::Long(byte, length) => vec![*byte; usize::from(length % 4096) + 1],
            Name::Any(bytes) => bytes.clone(),
        };
        bytes.truncate(4096);
        if bytes.is_empty() {
            bytes.push(b'e');
        }
        bytes
    }
}

/// A change of the file.
#[derive(Debug, Arbitrary)]
enum Damage {
    /// A word of the limit, the buckets in use or the records becomes one that a link or limit could be.
    Word(u16, Word),
    /// A bit of any byte.
    Bit(u32),
    /// A word of the header.
    Header(u8, u32),
    /// The end is cut off.
    Cut(u16),
    /// A range becomes zero.
    Zero(u16, u16),
}

#[derive(Debug, Arbitrary)]
enum Word {
    Unit(u16),
    Near(i8),
    Dead,
    Any(u32),
    Length(u16),
}

/// A healthy file that has been damaged.
#[derive(Debug)]
pub(super) struct Subject {
    /// The file.
    pub(super) image: Image,
    /// What was counted, if nothing is damaged.
    pub(super) counted: Option<Vec<(Vec<u8>, u64)>>,
}

impl Subject {
    /// The file that an input describes.
    ///
    /// # Errors
    ///
    /// The input is too short to describe one.
    pub(super) fn new(input: &mut Unstructured<'_>) -> Result<Subject> {
        let counters: Vec<Counter> = input.arbitrary()?;
        // Three pages are enough for eight of the longest names.
        let mut counted: Vec<(Vec<u8>, u64)> = Vec::new();
        for counter in counters.into_iter().take(8) {
            let name = counter.name.bytes();
            match counted.iter_mut().find(|(known, _)| *known == name) {
                Some((_, value)) => *value = value.saturating_add(counter.value),
                None => counted.push((name, counter.value)),
            }
        }
        let list: Vec<(&[u8], u64)> = counted.iter().map(|(name, value)| (&name[..], *value)).collect();
        let mut image = Image::healthy(&list);
        let damages: Vec<Damage> = input.arbitrary()?;
        let is_foreign = input.arbitrary()?;
        for damage in damages.iter().take(8) {
            damage.apply(&mut image);
        }
        if is_foreign && damages.is_empty() {
            image = image.of_other_order();
        }
        Ok(Subject { image, counted: damages.is_empty().then_some(counted) })
    }
}

impl Damage {
    fn apply(&self, image: &mut Image) {
        let length = image.bytes.len();
        match self {
            Damage::Word(place, word) => {
                // Behind the header nine tenths of the words are records or buckets in use or not.
                let at = layout().limit_at() + u32::from(*place) % 4096 * 4;
                if at as usize + 4 <= length {
                    let old = image.word(at);
                    image.set(at, word.value(old));
                }
            }
            Damage::Bit(bit) if length > 0 => image.bytes[*bit as usize / 8 % length] ^= 1 << (bit % 8),
            Damage::Header(place, value) => {
                let at = u32::from(*place) % 48 * 4;
                if at as usize + 4 <= length {
                    image.set(at, *value);
                }
            }
            Damage::Cut(to) => image.bytes.truncate(usize::from(*to)),
            Damage::Zero(from, count) if length > 0 => {
                let from = usize::from(*from) % length;
                let end = (from + usize::from(*count)).min(length);
                image.bytes[from..end].fill(0);
            }
            Damage::Bit(_) | Damage::Zero(..) => {}
        }
    }
}

impl Word {
    fn value(&self, old: u32) -> u32 {
        match self {
            Word::Unit(unit) => layout().first_record() + u32::from(*unit) % 600 * 32,
            Word::Near(step) => old.wrapping_add_signed(i32::from(*step) * 32),
            Word::Dead => DEAD,
            Word::Any(value) => *value,
            Word::Length(length) => 0xff00_0000 | u32::from(*length),
        }
    }
}
