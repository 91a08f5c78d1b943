//! Any bytes in the memory: reading ends, does not panic, and stays inside.

use super::*;
use crate::ring::done::READ;
use crate::ring::layout::{data_at, tags_at};
use crate::ring::memory::{Word32, Word64};
use proptest::prelude::*;

/// A ring with three events in it, as words.
fn good() -> (Capacity, Aligned) {
    let capacity = Capacity::new(1, 32, 4).unwrap();
    let mut words = memory(capacity);
    let (writer, _) = ring::<Native, _>(&mut words, capacity, Index::default(), Polling);
    for time in 0..3 {
        writer.write(time, time, &[1], &[1, 2, 3]).unwrap();
    }
    core::mem::forget(writer);
    (capacity, words)
}

/// Reads until there is nothing, and counts events, losses and faults.
fn drain(words: &mut [u64]) -> Result<[u32; 3], HeaderError> {
    let length = words.len();
    let base = NonNull::from(words).cast();
    // SAFETY: borrowed mutably during this call.
    let ring = unsafe { Ring::<(), Shared, Native>::attach_raw(base, length, ()) }?;
    let mut reader = ring.into_reader::<u64, _>(Polling);
    let mut counts = [0; 3];
    for _ in 0..100 {
        match reader.read() {
            Err(_) => counts[2] += 1,
            Ok(Read::Nothing | Read::End) => return Ok(counts),
            Ok(Read::Events(batch)) => {
                for item in batch {
                    match item {
                        Item::Event(event) => {
                            counts[0] += 1;
                            assert!(event.stack_words().len() <= 32);
                            let _ = event.stack_words().fold(event.header_word(9), u64::wrapping_add);
                        }
                        Item::Loss(_) => counts[1] += 1,
                    }
                }
            }
        }
    }
    panic!("no end: {counts:?}");
}

#[test]
fn a_broken_length_is_believed_or_not_named() {
    let (capacity, words) = good();
    for (value, at) in [(0, 0), (2, 0), (5000, 6), (u64::MAX, 6), (21, 12), (1 << 63 | 6, 6), (0, 6)] {
        let mut words = words.clone();
        words[data_at(capacity) + at] = value;
        let mut reader = Ring::attach(&mut words).unwrap().into_reader::<u64, _>(Polling);
        let fault = loop {
            match reader.read() {
                Err(fault) => break fault,
                Ok(Read::Events(_)) => {}
                Ok(read) => panic!("{value:#x} at {at}: {read:?}"),
            }
        };
        // A mark of the end where the array does not end is met as what it is: no length.
        let place = if value == 0 && at == 0 { 0 } else { at };
        assert_eq!(fault.rule, RingRule::EventLength, "{value:#x} at {at}");
        if value != 0 {
            assert_eq!((fault.offset, fault.value), (8 * (data_at(capacity) + place), value));
        }
        assert!(matches!(reader.read(), Ok(Read::Nothing)), "what follows cannot be found");
    }
}

#[test]
fn damage_takes_the_events_before_it_with_it() {
    let (capacity, mut words) = good();
    words[data_at(capacity) + 12] = 5000;
    let mut reader = Ring::attach(&mut words).unwrap().into_reader::<u64, _>(Polling);
    assert_eq!(given(reader.read().unwrap()).tags, [0, 1]);
    assert_eq!(reader.read().unwrap_err().value, 5000);
}

/// Goal: both ends on memory that nobody else touches are sound, whatever it held before: no word changes
/// while it is lent.
/// Method: all combinations of some indices, events written before the first read and after each.
#[test]
fn damaged_indices_let_the_writer_into_words_that_are_lent() {
    let places = [Word64::Written, Word64::Read, Word64::Done(0, READ)].map(crate::ring::layout::at64);
    let values = [0, 6, 18, 31, 33, u32::MAX - 4]
        .into_iter()
        .flat_map(|data| [0, 1, 3, 5, (1 << 30) - 2].map(move |tags| Index::new(data, tags).bits()));
    // Miri is slow; the others run elsewhere.
    let values: Vec<u64> = values.step_by(if cfg!(miri) { 15 } else { 1 }).collect();
    let (_, good) = good();
    let combinations =
        values.iter().flat_map(|&a| values.iter().flat_map(move |&b| (0..4).map(move |lead| (a, b, lead))));
    for (written, read, lead) in combinations {
        for &done in &values {
            let mut words = good.clone();
            places.into_iter().zip([written, read, done]).for_each(|(at, value)| words[at] = value);
            let (writer, mut reader) = Ring::attach(&mut words).unwrap().split::<u64, _>(Polling);
            for round in 0..5 {
                for _ in 0..lead {
                    let _ = writer.write(1, round, &[2], &[]);
                }
                let Ok(Read::Events(batch)) = reader.read() else {
                    let _ = writer.write(1, round, &[2], &[3; 4]);
                    continue;
                };
                let lent = || {
                    batch.items().filter_map(|item| match item {
                        Item::Event(event) => Some(event.words()),
                        Item::Loss(_) => None,
                    })
                };
                let before: Vec<Vec<u64>> = lent().map(<[u64]>::to_vec).collect();
                let lent: Vec<&[u64]> = lent().collect();
                for time in 0..10 {
                    let _ = writer.write(1, 100 + time, &[2], &[3; 3]);
                }
                assert_eq!(lent, before, "{written:x} {read:x} {done:x} {lead}");
            }
        }
    }
}

#[test]
fn a_reader_that_is_ahead_gives_the_writer_room() {
    let capacity = Capacity::new(0, 16, 4).unwrap();
    let mut words = memory(capacity);
    let (writer, reader) = ring::<Native, _>(&mut words, capacity, Index::default(), Polling);
    writer.write(1, 1, &[], &[2; 10]).unwrap();
    for ahead in [Index::new(13, 1), Index::new(28, 1), Index::new(12, 2), Index::new(1, 1)] {
        reader.memory.store64(Word64::Read, ahead.bits(), Ordering::Relaxed);
        assert_eq!(writer.write(1, 2, &[], &[2; 8]), Err(Reason::Full), "{ahead:?}");
    }
}

#[test]
fn a_broken_index_is_believed_or_not_named() {
    for bits in [Index::new(33, 3).bits(), Index::new(18, 5).bits(), Index::new(0, 3).bits(), u64::MAX] {
        let (_, mut words) = good();
        let at = crate::ring::layout::at64(Word64::Written);
        words[at] = bits;
        let mut reader = Ring::attach(&mut words).unwrap().into_reader::<u64, _>(Polling);
        let fault = reader.read().unwrap_err();
        assert_eq!(fault, RingFault { offset: 8 * at, value: bits, rule: RingRule::Index });
    }
}

#[test]
fn a_ring_of_the_other_width_or_byte_order_is_read() {
    let (_, mut words) = good();
    words.iter_mut().for_each(|word| *word = word.swap_bytes());
    assert_eq!(drain(&mut words).unwrap_err().rule, HeaderRule::ByteOrder);
    let (capacity, _) = good();
    let mut words = memory(capacity);
    drop(ring::<Halves, _>(&mut words, capacity, Index::default(), Polling));
    let attached = Ring::attach(&mut words).map(|_| ());
    if Native::BYTES != 4 {
        let error = attached.unwrap_err();
        assert_eq!((error.rule, error.offset, error.value), (HeaderRule::Width, 12, 4));
    }
}

#[test]
fn too_little_memory_is_touched() {
    let (capacity, words) = good();
    for length in 0..words.len() {
        let error = drain(&mut words.clone()[..length]).unwrap_err();
        assert_eq!((error.rule, error.value), (HeaderRule::Length, length as u64), "{length}");
    }
    assert_eq!(drain(&mut words.clone()), Ok([3, 0, 0]));
    let mut words = words;
    let length = words.len() - 1;
    assert!(Ring::format(&mut words[..length], &Header::new(capacity)).is_err());
}

#[test]
fn the_memory_of_a_dead_writer_is_not_read() {
    let (_, words) = good();
    // A dump: bytes in the order of the machine.
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut copy: Aligned =
        bytes.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
    assert_eq!(drain(&mut copy), Ok([3, 0, 0]));
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    #[test]
    fn any_word_of_a_ring_panics_or_hangs(at in 16..200_usize, value: u64, small in 0..40_u64, is_small: bool) {
        let (_, mut words) = good();
        let length = words.len();
        words[at % length] = if is_small { small } else { value };
        let _ = drain(&mut words);
    }

    #[test]
    fn any_words_behind_a_header_panic_or_hang(
        control in proptest::collection::vec(0_u64..200, HEADER_WORDS - 16),
        wild: [u64; 4],
        ring in proptest::collection::vec(prop_oneof![0_u64..12, any::<u64>()], 36),
    ) {
        let (capacity, mut words) = good();
        words[16..HEADER_WORDS].copy_from_slice(&control);
        words[tags_at()..].copy_from_slice(&ring);
        prop_assert_eq!(words.len(), words_of(capacity));
        let _ = drain(&mut words.clone());
        words[16] = Index::new(control[0] as u32, wild[0] as u32 % 5).bits();
        words[48] = Index::new(0, 0).bits();
        let _ = drain(&mut words.clone());
        words[16..20].copy_from_slice(&wild);
        let _ = drain(&mut words);
    }

    #[test]
    fn a_writer_leaves_memory_that_others_scribble_over(
        scribbles in proptest::collection::vec((16..HEADER_WORDS, any::<u64>()), 1..20),
        lengths in proptest::collection::vec(0..40_usize, 20),
    ) {
        let (_, mut words) = good();
        let length = words.len();
        let base = NonNull::from(&mut words[..]).cast();
        // SAFETY: `words` lives to the end, and is written by this thread only.
        let ring = unsafe { Ring::<(), Shared, Native>::attach_raw(base, length, ()) }.unwrap();
        let writer = ring.into_writer::<u64, _>(Polling);
        let frames = [1; 40];
        for (n, &stack) in lengths.iter().enumerate() {
            let _ = writer.write(1, n as u64, &[1], &frames[..stack]);
            let (at, value) = scribbles[n % scribbles.len()];
            // SAFETY: inside the memory.
            let word: NonNull<u64> = unsafe { base.add(at) };
            // SAFETY: one word of the memory, touched by this thread only.
            unsafe { word.write(value) };
            let _ = writer.memory.load32(Word32::Sleeping, Ordering::Relaxed);
        }
    }
}
