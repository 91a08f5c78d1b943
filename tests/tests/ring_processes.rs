//! Goal: what a process has written into a ring in a file before it was killed is read, whole, and
//! nothing else; another process goes on in its place.
//! Method: one process reads and kills the writers one after the other, each in the middle of its work.
//! A writer says how far it is at least, by its output.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tallymark::ring::{Capacity, Header, Item, Read, shared};
use tallymark_tests::ring_events::is_whole;

/// Events for each byte of a writer's output.
const STEP: u64 = 64;

fn start(path: &Path, from: u64, to: u64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ring_writer"))
        .arg(path)
        .args([from.to_string(), to.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What has been read: the events before `next`.
struct Reading {
    reader: shared::Reader,
    next: u64,
    lost: u64,
}

impl Reading {
    /// Reads what there is, or waits for it a moment. False if there was nothing.
    fn read(&mut self, limit: Duration) -> bool {
        match self.reader.wait(Some(limit)).unwrap() {
            Read::Events(batch) => {
                for item in batch {
                    match item {
                        Item::Event(event) => {
                            assert_eq!(event.tag(), self.next, "a gap, or twice the same");
                            assert_eq!((event.time(), event.header_word(0)), (self.next, self.next));
                            assert!(is_whole(self.next, event.stack_words()), "a part of an event");
                            self.next += 1;
                        }
                        // The writer tries again.
                        Item::Loss(loss) => self.lost += u64::from(loss.count),
                    }
                }
                true
            }
            Read::Nothing => false,
            Read::End => panic!("the writer was killed, and has closed the ring"),
        }
    }
}

#[test]
fn a_killed_writer_leaves_less_or_more_than_it_wrote_or_a_ring_that_nobody_can_use() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("ring");
    let header = Header::new(Capacity::new(1, 1 << 12, 1 << 9).unwrap());
    let reader = shared::create(&path, &header).unwrap().into_reader();
    let mut reading = Reading { reader, next: 0, lost: 0 };
    let rounds = if cfg!(debug_assertions) { 10 } else { 400 };
    for round in 0..rounds {
        let from = reading.next;
        let mut writer = start(&path, from, u64::MAX);
        let mut output = writer.stdout.take().unwrap();
        let said = thread::spawn(move || {
            let mut bytes = Vec::new();
            output.read_to_end(&mut bytes).map(|_| bytes.len() as u64)
        });
        // Somewhere else each time.
        let goal = from + 1 + round * 7919 % 20_011;
        while reading.next < goal {
            reading.read(Duration::from_millis(20));
            assert!(writer.try_wait().unwrap().is_none(), "the writer has ended by itself");
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let said = said.join().unwrap().unwrap();
        while reading.read(Duration::ZERO) {}
        let written = reading.next - from;
        assert!(written >= STEP * said, "{written} events read, {said} times {STEP} written");
        assert!(written <= STEP * (said + 1), "{written} events read, {said} times {STEP} written");
    }
    // The last one comes to its end.
    let to = reading.next + 10_000;
    let mut writer = start(&path, reading.next, to);
    while reading.next < to {
        reading.read(Duration::from_millis(20));
    }
    writer.wait().unwrap();
    assert!(matches!(reading.reader.wait(None).unwrap(), Read::End));
    println!("{to} events, {} attempts without room", reading.lost);
}
