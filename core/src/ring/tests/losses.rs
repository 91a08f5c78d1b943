//! Losses: reasons, times, sums, and where they are told.

use super::*;
use crate::ring::memory::{Word32, Word64};
use core::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn loss<M: Lend>(read: Read<'_, M, u64>) -> Loss {
    let Read::Events(batch) = read else { panic!("{read:?}") };
    let mut items = batch.into_iter();
    match (items.next(), items.next()) {
        (Some(Item::Loss(loss)), None) => loss,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loss_hides_its_reasons_times_and_weight() {
    let capacity = Capacity::new(1, 16, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    writer.write(1, 10, &[7], &[0; 10]).unwrap();
    assert_eq!(writer.write(1, 11, &[100], &[0; 4]), Err(Reason::Full));
    assert_eq!(writer.write(1, 12, &[20], &[0; 14]), Err(Reason::TooLarge));
    assert_eq!(writer.write(1, 13, &[3, 4], &[]), Err(Reason::TooLarge), "a header too long");
    assert_eq!(writer.write(1, 14, &[], &[0; 4]), Err(Reason::Full));
    let _ = reader.read().unwrap();
    let told = loss(reader.read().unwrap());
    let expected = Loss { count: 4, too_large: 2, nested: 0, first_time: 11, last_time: 14, weight: 123 };
    assert_eq!(told, expected);
    assert_eq!((told.full(), writer.lost()), (2, Some(expected)));
    // The next run has its own numbers.
    assert_eq!(writer.write(1, 20, &[5], &[0; 14]), Err(Reason::TooLarge));
    let told = loss(reader.read().unwrap());
    assert_eq!(told, Loss { count: 1, too_large: 1, nested: 0, first_time: 20, last_time: 20, weight: 5 });
    assert!(matches!(reader.read().unwrap(), Read::Nothing));
}

/// An event of more than half the ring may fit an empty one at its start only.
#[test]
fn an_event_that_will_never_fit_is_called_one_too_many() {
    let capacity = Capacity::new(0, 8, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    writer.write(1, 10, &[], &[1]).unwrap();
    assert_eq!(writer.write(1, 11, &[], &[0; 6]), Err(Reason::Full), "who knows what comes");
    while given(reader.read().unwrap()) != Given::default() {}
    // Nothing is in the way, but 5 words lie behind the last event and 3 before it.
    assert_eq!(writer.write(1, 12, &[], &[0; 6]), Err(Reason::TooLarge));
    while given(reader.read().unwrap()) != Given::default() {}
    assert_eq!(writer.write(1, 13, &[], &[0; 3]), Ok(()), "all 5 words");
}

#[test]
fn a_loss_in_the_ring_is_told_twice_or_looks_like_an_event() {
    // Without a header, an event of a loss has the length of others.
    let capacity = Capacity::new(0, 8, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    writer.write(1, 10, &[], &[1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(writer.write(2, 11, &[], &[1]), Err(Reason::Full));
    let _ = reader.read().unwrap();
    reader.release();
    writer.write(3, 12, &[], &[1]).unwrap(); // behind the event of the loss
    assert_eq!(given(reader.read().unwrap()), words(&[3, 11, 1, 3, 12, 1], &[0, 3]));
    assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
    drop(writer);
    assert!(given(reader.read().unwrap()).is_end);
}

/// The reader has told of a loss that it saw before the writer put the same into the ring.
#[test]
fn a_loss_that_both_ends_tell_of_is_told_twice() {
    let capacity = Capacity::new(0, 8, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    assert_eq!(writer.write(1, 10, &[], &[0; 9]), Err(Reason::TooLarge));
    let told = loss(reader.read().unwrap());
    assert_eq!((told.count, told.first_time), (1, 10));
    // The writer does not know yet.
    reader.memory.store32(Word32::TakenLost, 0, Ordering::Relaxed);
    writer.write(2, 11, &[], &[5]).unwrap();
    assert_eq!(given(reader.read().unwrap()), words(&[3, 11, 5], &[2]));
}

#[test]
fn the_number_of_losses_wraps() {
    let capacity = Capacity::new(0, 8, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    assert!(writer.write(1, 10, &[], &[0; 9]).is_err());
    // As if the reader had told of 2^32 - 2 of them less.
    reader.memory.store32(Word32::TakenLost, 2, Ordering::Relaxed);
    reader.memory.store32(Word32::WrittenLost, 2, Ordering::Relaxed);
    reader.memory.store64(Word64::Done(0, 0), 2, Ordering::Relaxed);
    let (words, wake) = (writer.memory.other_end(), Header::new(capacity).wake);
    let other = reader.memory.other_end();
    core::mem::forget(writer);
    // SAFETY: the one before is gone.
    let writer: Writer<_, _> = unsafe { Writer::attach(words, Polling, wake) };
    // SAFETY: the one before is gone.
    let mut reader = unsafe { Reader::attach(other, Polling, wake) };
    for time in 11..20 {
        assert!(writer.write(1, time, &[], &[0; 9]).is_err());
    }
    let mut told = 0_u64;
    while let Read::Events(batch) = reader.read().unwrap() {
        let _: &Batch<'_, _, u64> = &batch;
        for item in batch {
            let Item::Loss(loss) = item else { panic!() };
            told += u64::from(loss.count);
        }
    }
    assert_eq!(told, u64::from(u32::MAX));
}

#[test]
fn a_loss_survives_neither_writer_nor_reader() {
    let capacity = Capacity::new(1, 16, 4).unwrap();
    let mut words = memory(capacity);
    let ring: Ring<_> = Ring::format(&mut words, &Header::new(capacity)).unwrap();
    let (writer, _) = ring.split::<u64, _>(Polling);
    writer.write(1, 10, &[1], &[1]).unwrap();
    assert!(writer.write(2, 11, &[5], &[0; 14]).is_err());
    // Both die; the reader leaves nothing to do.
    core::mem::forget(writer);
    let (writer, mut reader) = Ring::attach(&mut words).unwrap().split::<u64, _>(Polling);
    assert!(writer.write(3, 12, &[6], &[0; 14]).is_err());
    writer.write(4, 13, &[1], &[2]).unwrap();
    let mut all = Given::default();
    loop {
        let read = given(reader.read().unwrap());
        if read.words.is_empty() {
            break;
        }
        all.words.extend(read.words);
        all.tags.extend(read.tags);
    }
    assert_eq!(all, super::words(&[4, 10, 1, 1, 4, 11, 0, 2, 4, 13, 1, 2], &[1, 0, 4]));
}

/// A tag or a port that panics once.
#[derive(Clone, Copy)]
struct Panics<'c>(&'c Cell<bool>);

impl Tag for Panics<'_> {
    fn into_word(self) -> u64 {
        assert!(!self.0.take(), "a tag that panics");
        7
    }

    fn from_word(_: u64) -> Self {
        unreachable!()
    }
}

impl Wait<AtomicU32> for Panics<'_> {
    fn sleep(&self, _: &AtomicU32, _: &mut Option<core::time::Duration>) {}

    fn wake(&self, _: &AtomicU32) {
        assert!(!self.0.take(), "a port that panics");
    }
}

#[test]
fn a_panic_in_the_middle_of_a_write_ends_all_writes() {
    let (in_tag, in_port) = (Cell::new(true), Cell::new(false));
    let capacity = Capacity::new(0, 8, 4).unwrap();
    let mut memory = memory(capacity);
    let ring = Ring::format(&mut memory, &Header::new(capacity)).unwrap();
    let (writer, reader) = ring.split(Panics(&in_port));
    let write = || catch_unwind(AssertUnwindSafe(|| writer.write(Panics(&in_tag), 1, &[], &[1])));
    assert!(write().is_err());
    assert_eq!(write().unwrap(), Ok(()));
    reader.memory.store32(Word32::Sleeping, 1, Ordering::Relaxed);
    in_port.set(true);
    assert!(write().is_err(), "half full");
    assert_eq!(write().unwrap(), Err(Reason::Full));
    drop(writer);
    assert_eq!(reader.memory.load32(Word32::EndOfStream, Ordering::Relaxed), 1);
}

#[test]
fn a_reader_that_is_killed_takes_a_loss_with_it() {
    let capacity = Capacity::new(1, 16, 4).unwrap();
    let wake = Header::new(capacity).wake;
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    assert!(writer.write(1, 10, &[5], &[0; 14]).is_err());
    assert!(writer.write(1, 11, &[6], &[0; 14]).is_err());
    let expected = Loss { count: 2, too_large: 2, nested: 0, first_time: 10, last_time: 11, weight: 11 };
    for _ in 0..3 {
        assert_eq!(loss(reader.read().unwrap()), expected);
        // SAFETY: the one before is gone.
        reader = unsafe { Reader::attach(reader.memory.other_end(), Polling, wake) };
    }
    // The writer knows that it was told of, and needs no room for it.
    writer.write(1, 12, &[1], &[0; 12]).unwrap();
    assert_eq!(loss(reader.read().unwrap()), expected);
    assert_eq!(given(reader.read().unwrap()).tags, [1]);
    // SAFETY: the one before is gone.
    reader = unsafe { Reader::attach(reader.memory.other_end(), Polling, wake) };
    assert_eq!(given(reader.read().unwrap()).tags, [1], "and nothing else");
}

#[test]
fn a_reader_that_is_killed_keeps_what_it_gave_back() {
    let capacity = Capacity::new(0, 16, 4).unwrap();
    let wake = Header::new(capacity).wake;
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    writer.write(1, 10, &[], &[0; 9]).unwrap();
    let _ = reader.read().unwrap();
    reader.release();
    // As if it was killed before it told the writer.
    reader.memory.store64(Word64::Read, 0, Ordering::Relaxed);
    // SAFETY: the one before is gone.
    let _reader: Reader<_, _> = unsafe { Reader::attach(reader.memory.other_end(), Polling, wake) };
    assert_eq!(writer.write(1, 11, &[], &[0; 7]), Ok(()));
}

/// All that is given out: the times of events, and losses.
fn drain(reader: &mut Reader<Words<'_>, Polling>) -> Vec<Result<u64, Loss>> {
    let mut all = Vec::new();
    while let Read::Events(batch) = reader.read().unwrap() {
        all.extend(batch.into_iter().map(|item| match item {
            Item::Event(event) => Ok(event.time()),
            Item::Loss(loss) => Err(loss),
        }));
    }
    all
}

#[test]
fn losses_are_forgotten_when_their_number_has_gone_round() {
    let capacity = Capacity::new(1, 32, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    let run = (1 << 30) - 1;
    for time in 0..4 {
        writer.increment_overflow(Reason::Full, run, time, 0);
        assert!(matches!(drain(&mut reader)[..], [Err(Loss { count, .. })] if count == run));
        writer.write(1, time, &[2], &[3]).unwrap();
        assert_eq!(drain(&mut reader), [Ok(time)]);
    }
    // Four more make 2^32.
    for time in 10..14 {
        assert!(writer.write(1, time, &[1], &[3; 60]).is_err());
    }
    writer.write(1, 14, &[2], &[3]).unwrap();
    let expected = Loss { count: 4, too_large: 4, nested: 0, first_time: 10, last_time: 13, weight: 4 };
    assert_eq!(drain(&mut reader), [Err(expected), Ok(14)]);
}

#[test]
fn a_close_has_a_loss_told_of_again_by_the_next_writer() {
    let capacity = Capacity::new(0, 16, 4).unwrap();
    let mut memory = memory(capacity);
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
    assert!(writer.write(1, 1, &[], &[3; 60]).is_err());
    writer.write(1, 2, &[], &[3, 3]).unwrap(); // 3 words of a loss, 4 of an event
    let memory = writer.memory.other_end();
    writer.close();
    // SAFETY: the one before is gone.
    let writer: Writer<_, _> = unsafe { Writer::attach(memory, Polling, Header::new(capacity).wake) };
    assert_eq!(writer.write(1, 3, &[], &[3; 7]), Ok(()), "9 words are left");
    assert!(matches!(drain(&mut reader)[..], [Err(Loss { count: 1, .. }), Ok(2), Ok(3)]));
}

#[test]
fn many_losses_are_gone_with_a_reader_that_is_killed() {
    for count in [(1 << 31) - 1, 1 << 31, u32::MAX] {
        let capacity = Capacity::new(1, 32, 4).unwrap();
        let mut memory = memory(capacity);
        let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), Polling);
        writer.increment_overflow(Reason::Full, count, 5, 7);
        let told = loss(reader.read().unwrap());
        assert_eq!(told.count, count);
        writer.write(1, 8, &[2], &[3]).unwrap(); // the writer sees that it was told of
        let wake = Header::new(capacity).wake;
        // SAFETY: the one before is gone.
        let mut reader = unsafe { Reader::attach(reader.memory.other_end(), Polling, wake) };
        assert_eq!(drain(&mut reader), [Err(told), Ok(8)]);
    }
}
