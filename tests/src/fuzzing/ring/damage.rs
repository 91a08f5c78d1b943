//! Any bytes in the memory of a ring.

use std::mem::forget;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use tallymark_core::ring::{
    Access, Capacity, HEADER_WORDS, Halves, HeaderError, Item, Native, Plain, Polling, Read, Reader,
    RingFault, Shared, Width, words_of,
};

use super::memory::{Block, Shape, Words};

/// A change of the memory.
#[derive(Debug, Arbitrary)]
enum Damage {
    /// A word of the header or a word that changes.
    Control(u8, Word),
    /// A word behind them.
    Event(u8, Word),
    /// A 32-bit half of any word.
    Half(u16, u32),
    /// A bit of any word.
    Bit(u16),
    /// The end is cut off.
    Cut(u16),
    /// All words behind the header, one after the other.
    Flood(Vec<u64>),
}

/// What a word becomes.
#[derive(Debug, Arbitrary)]
enum Word {
    Any(u64),
    /// So much more or less.
    Near(i8),
    /// So many words and events further on, if it is an index.
    Further(i16, i8),
    Small(u8),
    /// The first word of an event that tells of losses, too large ones among them.
    Loss(u8, u8),
    /// That of another place.
    Copy(u16),
}

/// A thing that a reader found.
#[derive(Debug, PartialEq)]
enum Found {
    Event(Vec<u64>),
    Other(String),
}

/// Reads the ring that the input describes, and goes on writing to it.
///
/// # Panics
///
/// If a reader finds more than there can be, or the ways to reach the memory differ.
pub fn ring_damage(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((is_whole, shape)) = input.arbitrary::<(bool, Shape)>() else { return };
    let Ok(stacks) = input.arbitrary::<Vec<u8>>() else { return };
    let Ok(damages) = input.arbitrary::<Vec<Damage>>() else { return };
    if is_whole { run::<Native>(&shape, &stacks, &damages) } else { run::<Halves>(&shape, &stacks, &damages) }
}

fn run<W: Width>(shape: &Shape, stacks: &[u8], damages: &[Damage]) {
    let block = Block::new(vec![0; shape.words()]);
    let (writer, mut reader) = shape.ring::<Plain, W>(&block).split::<u64, _>(Polling);
    for (time, &stack) in (1..).zip(&stacks[..stacks.len().min(100)]) {
        if stack < 128 {
            let _ = writer.write(!time, time, &[time], &vec![7; stack.into()]);
        } else {
            let _ = reader.read();
        }
    }
    if stacks.len().is_multiple_of(2) {
        forget(writer); // it was killed
    } else {
        writer.close();
    }
    let mut words = block.words();
    drop(block);
    damages.iter().take(16).for_each(|damage| damage.apply(&mut words));
    let shared = read_and_write::<Shared, W>(words.clone());
    let plain = read_and_write::<Plain, W>(words);
    assert_eq!(shared, plain, "shared memory, and memory of our own");
}

/// What a reader finds, then a writer and the reader go on.
fn read_and_write<A: Access, W: Width>(words: Vec<u64>) -> Result<Vec<Found>, HeaderError> {
    let length = words.len();
    let block = Block::new(words);
    let ring = block.attach::<A, W>()?;
    assert!(length >= HEADER_WORDS);
    let mut reader = ring.into_reader::<u64, _>(Polling);
    let mut found = Vec::new();
    drain(&mut reader, &mut found);
    let writer = block.attach::<A, W>()?.into_writer::<u64, _>(Polling);
    for time in 0..20 {
        let outcome = writer.write(time, time, &[time], &[9; 20][..time as usize]);
        found.push(Found::Other(format!("{outcome:?}")));
        if time % 4 == 3 {
            drain(&mut reader, &mut found);
        }
    }
    drop(writer);
    drain(&mut reader, &mut found);
    Ok(found)
}

/// Reads until there is nothing, which has to come soon.
fn drain<A: Access, W: Width>(reader: &mut Reader<Words<A, W>, Polling>, found: &mut Vec<Found>) {
    let capacity = reader.capacity();
    // All events that there is room for one by one, a loss behind them, and a fault that ends them.
    let most = capacity.tags() + 3;
    for _ in 0..most {
        match reader.wait(Some(Duration::ZERO)) {
            Err(fault) => found.push(Found::Other(checked(fault, capacity))),
            Ok(read @ (Read::Nothing | Read::End)) => return found.push(Found::Other(format!("{read:?}"))),
            Ok(Read::Events(batch)) => {
                let items = batch.items().map(|item| match item {
                    Item::Loss(loss) => Found::Other(format!("{loss:?}")),
                    Item::Event(event) => {
                        let header = (0..capacity.header_words()).map(|n| event.header_word(n));
                        let words = [event.tag(), event.time()].into_iter().chain(header);
                        let words: Vec<_> = words.chain(event.stack_words()).collect();
                        assert!(
                            words.len() <= capacity.data_words() as usize,
                            "an event of {} words",
                            words.len()
                        );
                        Found::Event(words)
                    }
                });
                let before = found.len();
                found.extend(items);
                let count = found.len() - before;
                assert!(0 < count && count <= capacity.tags().max(1) as usize, "{count} items");
            }
        }
    }
    panic!("no end after {most} reads: {found:?}");
}

/// A fault as text, whose place is in the memory.
fn checked(fault: RingFault, capacity: Capacity) -> String {
    let length = 8 * words_of(capacity);
    assert!(fault.offset < length, "{fault:?} of {length} bytes");
    format!("{fault}: {fault:?}")
}

impl Damage {
    fn apply(&self, words: &mut Vec<u64>) {
        let length = words.len();
        match self {
            Damage::Control(at, word) if length > 0 => {
                let at = usize::from(*at) % HEADER_WORDS % length;
                words[at] = word.value(words, at);
            }
            Damage::Event(at, word) if length > HEADER_WORDS => {
                let at = HEADER_WORDS + usize::from(*at) % (length - HEADER_WORDS);
                words[at] = word.value(words, at);
            }
            Damage::Half(at, value) if length > 0 => {
                let (at, shift) = (usize::from(*at) / 2 % length, 32 * (at % 2));
                words[at] = words[at] & !(0xffff_ffff << shift) | u64::from(*value) << shift;
            }
            Damage::Bit(bit) if length > 0 => words[usize::from(*bit) / 64 % length] ^= 1 << (bit % 64),
            Damage::Cut(to) => words.truncate((*to).into()),
            Damage::Flood(flood) => {
                for (word, value) in words.iter_mut().skip(HEADER_WORDS).zip(flood) {
                    *word = *value;
                }
            }
            Damage::Control(..) | Damage::Event(..) | Damage::Half(..) | Damage::Bit(_) => {}
        }
    }
}

impl Word {
    fn value(&self, words: &[u64], at: usize) -> u64 {
        let old = words[at];
        match self {
            Word::Any(value) => *value,
            Word::Near(step) => old.wrapping_add_signed((*step).into()),
            Word::Further(data, tags) => {
                old.wrapping_add_signed(i64::from(*tags) << 34).wrapping_add_signed((*data).into())
            }
            Word::Small(value) => (*value).into(),
            Word::Loss(length, too_large) => 1 << 63 | u64::from(*too_large) << 32 | u64::from(*length),
            Word::Copy(from) => words[usize::from(*from) % words.len()],
        }
    }
}
