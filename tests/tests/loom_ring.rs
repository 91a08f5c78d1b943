//! Goal: no order of loads and stores that the memory model allows loses an event of a ring or a loss,
//! mixes two of them, or lets the reader sleep for ever (T40).
//! Method: loom runs the core's writer and reader on its own atomics; it watches the words of events as
//! plain memory. Then each ordering is weakened, one at a time, and a model must fail.
//!
//! `cargo xtask loom` runs these in an optimised build.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use loom::thread;
use tallymark_core::ring::{Item, Loss, Read, Reason};
use tallymark_tests::loom_ring::{LoomReader, LoomWriter, Operation, Weakened, ring};
use tallymark_tests::weakened::orders;

/// Preemptions that are tried in the models with more than a few steps: an unoptimised build tries fewer.
const PREEMPTIONS: usize = if cfg!(debug_assertions) { 2 } else { 3 };

/// What a reader has been given.
#[derive(Debug, Default)]
struct Given {
    /// The tags of the events.
    events: Vec<u64>,
    lost: u32,
    /// How much later than its number a loss comes.
    offset: u64,
    is_end: bool,
}

impl Given {
    /// Takes what one read gives. An event holds what `write` put into it; the time of a loss is its
    /// number plus the offset.
    fn take(&mut self, read: Read<'_, impl tallymark_core::ring::Memory, u64>) -> bool {
        match read {
            Read::Nothing => return false,
            Read::End => self.is_end = true,
            Read::Events(batch) => batch.items().for_each(|item| match item {
                Item::Event(event) => {
                    let stack: Vec<_> = event.stack_words().collect();
                    assert_eq!((event.time(), stack), (event.tag(), vec![10 * event.tag()]));
                    self.events.push(event.tag());
                }
                Item::Loss(Loss { count, last_time, .. }) => {
                    self.lost += count;
                    assert_eq!(last_time, u64::from(self.lost) + self.offset, "two publications are mixed");
                }
            }),
        }
        true
    }

    /// Reads until there is no more to come.
    fn rest(mut self, mut reader: LoomReader) -> Given {
        while !self.is_end {
            if !self.take(reader.read().unwrap()) {
                thread::yield_now();
            }
        }
        self
    }
}

fn write(writer: &LoomWriter, tag: u64) -> Result<(), Reason> {
    writer.write(tag, tag, &[], &[10 * tag as usize])
}

/// Loses an event.
fn lose(writer: &LoomWriter, time: u64) {
    assert_eq!(writer.write(0, time, &[], &[0; 30]), Err(Reason::TooLarge));
}

/// Two events and the end, read as they come.
fn streaming(weakened: Weakened) {
    let (writer, reader, _) = ring(8, 2, 8, weakened);
    let writing = thread::spawn(move || (1..=2).for_each(|tag| write(&writer, tag).unwrap()));
    assert_eq!(Given::default().rest(reader).events, [1, 2]);
    writing.join().unwrap();
}

/// A third event has room only where the first was.
fn reusing(weakened: Weakened) {
    let (writer, mut reader, _) = ring(8, 2, 8, weakened);
    (1..=2).for_each(|tag| write(&writer, tag).unwrap());
    let writing = thread::spawn(move || write(&writer, 3));
    let mut given = Given { offset: 2, ..Given::default() };
    given.take(reader.read().unwrap());
    reader.release();
    let given = given.rest(reader);
    match writing.join().unwrap() {
        Ok(()) => assert_eq!((given.events, given.lost), (vec![1, 2, 3], 0)),
        Err(_) => assert_eq!((given.events, given.lost), (vec![1, 2], 1)),
    }
}

/// A reader sleeps until the threshold is reached; the ring stays open.
fn sleeping(weakened: Weakened) {
    let (writer, mut reader, _) = ring(8, 2, 3, weakened);
    let writing = thread::spawn(move || {
        write(&writer, 1).unwrap();
        writer
    });
    let mut given = Given::default();
    assert!(given.take(reader.wait(None).unwrap()), "nothing after a sleep without limit");
    assert_eq!(given.events, [1]);
    drop(writing.join().unwrap());
}

/// A reader sleeps until it is told of losses; only the first of them has a fence behind it.
fn losing(weakened: Weakened) {
    let (writer, mut reader, side) = ring(8, 2, 8, weakened);
    let writing = thread::spawn(move || {
        (1..=2).for_each(|time| lose(&writer, time));
        side.be_quiet();
        writer
    });
    let mut given = Given::default();
    while given.lost < 2 {
        assert!(given.take(reader.wait(None).unwrap()), "nothing after a sleep without limit");
    }
    drop(writing.join().unwrap());
}

/// The end comes behind losses that the reader knows to be there.
fn closing(weakened: Weakened) {
    let (writer, reader, _) = ring(8, 2, 8, weakened);
    lose(&writer, 1);
    let writing = thread::spawn(move || lose(&writer, 2));
    assert_eq!(Given::default().rest(reader).lost, 2);
    writing.join().unwrap();
}

/// An event, a loss behind it and the end.
fn mixing(weakened: Weakened) {
    let (writer, reader, _) = ring(8, 2, 8, weakened);
    let writing = thread::spawn(move || {
        write(&writer, 1).unwrap();
        lose(&writer, 1);
    });
    let given = Given::default().rest(reader);
    assert_eq!((given.events, given.lost), (vec![1], 1));
    writing.join().unwrap();
}

/// The sums are published so often that a copy is written while it is read.
fn summing(weakened: Weakened) {
    let (writer, mut reader, _) = ring(8, 2, 8, weakened);
    lose(&writer, 1);
    let writing = thread::spawn(move || {
        (2..=3).for_each(|time| lose(&writer, time));
        writer
    });
    let mut given = Given::default();
    given.take(reader.read().unwrap());
    drop(writing.join().unwrap());
    assert_eq!(given.rest(reader).lost, 3);
}

type Model = (&'static str, fn(Weakened));

/// The models; the first three are small enough for every order.
const MODELS: [Model; 7] = [
    ("sleeping", sleeping),
    ("reusing", reusing),
    ("streaming", streaming),
    ("losing", losing),
    ("closing", closing),
    ("mixing", mixing),
    ("summing", summing),
];

#[test]
fn an_event_or_a_loss_is_lost_or_the_reader_sleeps_for_ever() {
    for (at, (name, model)) in MODELS.into_iter().enumerate() {
        let every = at < 3 && !cfg!(debug_assertions);
        let runs = orders((!every).then_some(PREEMPTIONS), move || model(Weakened::NOTHING));
        println!("{name}: {runs} orders");
        assert!(runs > 10, "loom tried only {runs} orders");
    }
}

/// Each operation, and the weaker ordering that it gets.
const WEAKER: [(Operation, Ordering); 14] = {
    use Ordering::{AcqRel, Relaxed};
    [
        (Operation::WrittenStore, Relaxed),
        (Operation::WrittenLoad, Relaxed),
        (Operation::ReadStore, Relaxed),
        (Operation::ReadLoad, Relaxed),
        (Operation::EndStore, Relaxed),
        (Operation::EndLoad, Relaxed),
        (Operation::TurnStore, Relaxed),
        (Operation::TurnLoad, Relaxed),
        (Operation::SumsFence, Relaxed),
        (Operation::SnapshotFence, Relaxed),
        (Operation::WriterFence, AcqRel),
        (Operation::ReaderFence, AcqRel),
        (Operation::WakeStore, Relaxed),
        (Operation::WokenLoad, Relaxed),
    ]
};

/// Orderings without which no model fails. A fence comes before the store of `Read`. The end is ordered by the Acquire fence of the snapshot that
/// follows, and a woken reader by the fence of its next sleep: if it misses what it was woken for, it
/// finds that there.
const NOT_NEEDED: [(Operation, Ordering); 4] = [
    (Operation::ReadStore, Ordering::Relaxed),
    (Operation::EndLoad, Ordering::Relaxed),
    (Operation::WakeStore, Ordering::Relaxed),
    (Operation::WokenLoad, Ordering::Relaxed),
];

#[test]
fn a_weaker_ordering_of_a_ring_is_overlooked() {
    let mut overlooked = Vec::new();
    let mut caught = 0;
    for (operation, weaker) in WEAKER {
        let finds = |&(name, model): &Model| {
            let run = || orders(Some(PREEMPTIONS), move || model(Weakened::to(operation, weaker)));
            catch_unwind(AssertUnwindSafe(run)).is_err().then_some(name)
        };
        match MODELS.iter().find_map(finds) {
            Some(name) => {
                caught += 1;
                println!("{operation:?} as {weaker:?}: caught by {name}");
            }
            None => overlooked.push((operation, weaker)),
        }
    }
    println!("{caught} weakened orderings caught, {} are not needed", overlooked.len());
    assert_eq!(overlooked, NOT_NEEDED);
}
