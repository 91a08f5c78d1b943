//! Tests of the ring on one thread. Those with threads, stops and signals are in the test package.

mod damage;
mod losses;
mod model;
mod vectors;
mod waking;

use std::vec::Vec;

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::memory::Word64;
use super::*;

/// Memory of a test.
pub(super) type Words<'m, W = Native> = RingMemory<PhantomData<&'m mut [u64]>, Plain, W>;

pub(super) fn memory(capacity: Capacity) -> Vec<u64> {
    std::vec![0xdead_beef; words_of(capacity)]
}

/// A ring whose counts start anywhere.
pub(super) fn ring<'m, W: Width, P: Clone + Wait<Words<'m, W>>>(
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
    ring.memory.store64(Word64::Written, start.bits(), Ordering::Relaxed);
    ring.memory.store64(Word64::Read, start.bits(), Ordering::Relaxed);
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
