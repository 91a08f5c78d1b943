//! Who sleeps and who is woken, with a port that writes while the reader sleeps.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::boxed::Box;
use std::rc::Rc;

use super::*;
use crate::ring::memory::Word64;

/// What happens during a sleep; the first sleep is number 1.
type Act<'m> = Box<dyn FnMut(usize) + 'm>;

/// A port on which time passes only by sleeping, and where others act while the reader sleeps.
#[derive(Clone, Default)]
struct Stage<'m> {
    wakes: Rc<Cell<u32>>,
    /// The limits of the sleeps, in microseconds; `None`: no limit.
    naps: Rc<RefCell<Vec<Option<u64>>>>,
    /// Does something during a sleep.
    during: Rc<RefCell<Option<Act<'m>>>>,
}

impl Wait<AtomicU32> for Stage<'_> {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        assert_eq!(word.load(Ordering::Relaxed), 1, "it sleeps and does not say so");
        self.naps.borrow_mut().push(limit.map(|limit| limit.as_micros() as u64));
        let nap = self.naps.borrow().len();
        if let Some(during) = &mut *self.during.borrow_mut() {
            during(nap);
        }
        if word.load(Ordering::Relaxed) == 1 {
            let limit = limit.as_mut().expect("it sleeps for ever");
            *limit = Duration::ZERO;
        }
    }

    fn wake(&self, word: &AtomicU32) {
        assert_eq!(word.load(Ordering::Relaxed), 0);
        self.wakes.set(self.wakes.get() + 1);
    }
}

type StageWriter<'m> = Writer<Words<'m>, Stage<'m>>;

/// A ring of 16 words and 4 events whose reader sleeps while `during` acts.
fn play(
    tags: u32,
    limit: Option<Duration>,
    during: impl FnMut(usize, &StageWriter<'_>) + 'static,
) -> (Given, Stage<'static>) {
    let capacity = Capacity::new(2, 16, tags).unwrap();
    let mut memory = memory(capacity);
    let stage = Stage::default();
    let seen = Stage { wakes: stage.wakes.clone(), naps: stage.naps.clone(), during: Rc::default() };
    let (writer, mut reader) = ring::<Native, _>(&mut memory, capacity, Index::default(), stage.clone());
    stage.wakes.set(0); // the writer wakes whoever a writer before it has left asleep
    let mut during = during;
    *stage.during.borrow_mut() = Some(Box::new(move |nap| during(nap, &writer)));
    let given = given(reader.wait(limit).unwrap());
    // The port holds a writer that holds the port.
    stage.during.take();
    (given, seen)
}

#[test]
fn a_reader_is_woken_below_half_or_sleeps_above_it() {
    let (read, stage) = play(16, None, |nap, writer| {
        if nap == 2 {
            writer.write(1, 1, &[2, 3], &[4, 5]).unwrap(); // 6 of 16 words
            assert_eq!(writer.memory.sleeper().load(Ordering::Relaxed), 1);
            writer.write(2, 2, &[2, 3], &[4, 5]).unwrap(); // 12 of 16
        }
    });
    assert_eq!(read, words(&[6, 1, 2, 3, 4, 5, 6, 2, 2, 3, 4, 5], &[1, 2]));
    assert_eq!((stage.wakes.get(), &stage.naps.borrow()[..]), (1, &[Some(1000), None][..]));
}

#[test]
fn a_full_tag_ring_wakes_nobody() {
    let (read, stage) = play(2, None, |nap, writer| {
        if nap == 2 {
            writer.write(1, 1, &[], &[]).unwrap(); // 4 of 16 words, 1 of 2 tags
        }
    });
    assert_eq!((read, stage.wakes.get()), (words(&[4, 1, 0, 0], &[1]), 1));
}

#[test]
fn a_loss_or_the_end_wakes_nobody() {
    let (read, stage) = play(16, None, |nap, writer| {
        if nap == 2 {
            assert!(writer.write(1, 1, &[], &[0; 20]).is_err());
            assert!(writer.write(1, 2, &[], &[0; 20]).is_err());
        }
    });
    assert_eq!((read, stage.wakes.get()), (words(&[5, 1, 0, 0, 2], &[0]), 1));
    let (read, stage) = play(16, None, |nap, writer| {
        if nap == 2 {
            writer.end_stream();
        }
    });
    assert_eq!((read.is_end, stage.wakes.get()), (true, 1));
}

#[test]
fn a_loss_that_wakes_nobody_waits_for_the_next() {
    // The writer looked before the reader slept: the reader finds it when its short sleep is over.
    let (read, stage) = play(16, None, |nap, writer| {
        if nap == 1 {
            writer.memory.sleeper().store(0, Ordering::Relaxed); // not seen yet by the writer
            assert!(writer.write(1, 1, &[], &[0; 20]).is_err());
            writer.memory.sleeper().store(1, Ordering::Relaxed);
        }
    });
    assert_eq!(read, words(&[5, 1, 0, 0, 1], &[0]));
    assert_eq!((stage.wakes.get(), &stage.naps.borrow()[..]), (0, &[Some(1000)][..]));
}

#[test]
fn a_limit_is_not_kept_or_gives_nothing() {
    let limit = Some(Duration::from_millis(5));
    let (read, stage) = play(16, limit, |_, _| ());
    assert_eq!((read, &stage.naps.borrow()[..]), (words(&[], &[]), &[Some(1000), Some(4000)][..]));
    let (read, _) = play(16, limit, |nap, writer| {
        if nap == 2 {
            writer.write(1, 1, &[], &[]).unwrap();
        }
    });
    assert_eq!(read, words(&[4, 1, 0, 0], &[1]), "below half, but the limit is over");
    let (read, stage) = play(16, Some(Duration::from_micros(300)), |_, _| ());
    assert_eq!((read, &stage.naps.borrow()[..]), (words(&[], &[]), &[Some(300)][..]));
}

/// Goal: a reader is woken at the first event that takes the unread words or events to the threshold,
/// wherever it fell asleep, although the writer looks for it only now and then.
/// Method: all ways to fall asleep after up to 12 events, then events until it is woken.
#[test]
fn a_reader_is_woken_late() {
    let most = if cfg!(miri) { 4 } else { 12 };
    for tags in [4, 8, 64] {
        for before in 0..most {
            for length in 0..4_usize {
                let capacity = Capacity::new(0, 32, tags).unwrap();
                let wake = Header::new(capacity).wake;
                let mut memory = memory(capacity);
                let stage = Stage::default();
                let (writer, mut reader) =
                    ring::<Native, _>(&mut memory, capacity, Index::default(), stage.clone());
                for n in 0..before {
                    writer.write(0, n, &[], &[1; 3][..n as usize % 4]).unwrap();
                    if n % 3 != 1 {
                        while given(reader.read().unwrap()) != Given::default() {}
                    }
                }
                while given(reader.read().unwrap()) != Given::default() {}
                writer.memory.sleeper().store(1, Ordering::Relaxed);
                let (start, wakes) = (writer_index(&writer), stage.wakes.get());
                loop {
                    writer.write(0, 99, &[], &[1; 3][..length]).unwrap();
                    let now = writer_index(&writer);
                    let reached = now.words_since(start) >= wake.data as i32
                        || now.events_since(start) >= wake.tags as i32;
                    assert_eq!(stage.wakes.get() - wakes, u32::from(reached), "{tags} {before} {length}");
                    if reached {
                        break;
                    }
                }
            }
        }
    }
}

fn writer_index(writer: &StageWriter<'_>) -> Index {
    Index::from_bits(writer.memory.load64(Word64::Written, Ordering::Relaxed))
}

/// Another process stores a number that is neither asleep nor awake.
struct Neither(Cell<u32>);

impl Wait<AtomicU32> for Neither {
    fn sleep(&self, word: &AtomicU32, _: &mut Option<Duration>) {
        word.store(2, Ordering::Relaxed);
        self.0.set(self.0.get() + 1);
        assert!(self.0.get() < 1000, "it never ends");
    }

    fn wake(&self, _: &AtomicU32) {}
}

#[test]
fn a_reader_that_is_neither_asleep_nor_awake_never_ends() {
    let capacity = Capacity::new(0, 16, 4).unwrap();
    let mut words = memory(capacity);
    let ring = Ring::format(&mut words, &Header::new(capacity)).unwrap();
    let mut reader = ring.into_reader::<u64, _>(Neither(Cell::new(0)));
    assert!(matches!(reader.wait(None), Ok(Read::Nothing)));
}
