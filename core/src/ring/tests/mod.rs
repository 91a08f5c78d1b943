//! Tests of the ring on one thread. Those with threads, stops and signals are in the test package.

mod damage;
mod kills;
mod losses;
mod model;
mod nested;
mod vectors;
mod waking;

use std::vec::Vec;

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::*;

/// Memory of a test.
pub(super) type Words<'m, W = Native> = RingMemory<PhantomData<&'m mut [u64]>, Plain, W>;

/// Words that start at a multiple of 8 on every machine: on some a `u64` lies at any multiple of 4.
#[derive(Clone)]
pub(super) struct Aligned(Vec<EightBytes>);

#[derive(Clone)]
#[repr(C, align(8))]
struct EightBytes(u64);

impl FromIterator<u64> for Aligned {
    fn from_iter<I: IntoIterator<Item = u64>>(words: I) -> Self {
        Aligned(words.into_iter().map(EightBytes).collect())
    }
}

impl Deref for Aligned {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        let words = NonNull::slice_from_raw_parts(NonNull::from(&self.0[..]).cast(), self.0.len());
        // SAFETY: as many words, each as long as the type around it.
        unsafe { words.as_ref() }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u64] {
        let length = self.0.len();
        let mut words = NonNull::slice_from_raw_parts(NonNull::from(&mut self.0[..]).cast(), length);
        // SAFETY: as in `deref`.
        unsafe { words.as_mut() }
    }
}

pub(super) fn memory(capacity: Capacity) -> Aligned {
    (0..words_of(capacity)).map(|_| 0xdead_beef).collect()
}

/// A ring whose counts start anywhere.
pub(super) fn ring<'m, W: Width, P: Clone + Wait<AtomicU32>>(
    memory: &'m mut [u64],
    capacity: Capacity,
    start: Index,
    port: P,
) -> Ends<Words<'m, W>, P> {
    let length = memory.len();
    let base = NonNull::from(memory).cast();
    // SAFETY: borrowed mutably for as long as the ring lives.
    let ring: Ring<PhantomData<&'m mut [u64]>, Plain, W> =
        unsafe { Ring::format_raw(base, length, PhantomData, &Header::new(capacity)) }.unwrap();
    ring.start_at(start);
    ring.split(port)
}

/// What a read gives, as Go gives it: all words, and a tag for each event (0 for a loss).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) words: Vec<u64>,
    pub(super) tags: Vec<u64>,
    pub(super) is_end: bool,
}

pub(super) fn given<M: Lend>(read: Read<'_, M, u64>) -> Given {
    let mut given = Given { is_end: matches!(read, Read::End), ..Given::default() };
    if let Read::Events(batch) = read {
        let header = batch.memory.capacity().header_words();
        for item in batch {
            match item {
                Item::Event(event) => {
                    given.words.extend(event.words());
                    given.tags.push(event.tag());
                    assert_eq!(event.words()[2 + header as usize..], *event.stack());
                    assert!(event.stack_words().eq(event.stack().iter().copied()));
                    assert!((0..header).map(|n| event.header_word(n)).eq(event.header().iter().copied()));
                }
                Item::Loss(loss) => {
                    given.words.extend([u64::from(3 + header), loss.first_time]);
                    given.words.extend((0..header).map(|_| 0));
                    given.words.push(loss.count.into());
                    given.tags.push(0);
                }
            }
        }
    }
    given
}

pub(super) fn words(words: &[u64], tags: &[u64]) -> Given {
    Given { words: words.to_vec(), tags: tags.to_vec(), is_end: false }
}
