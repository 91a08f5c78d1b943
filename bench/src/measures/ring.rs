//! Goal: what an event costs on its way through a ring, beside the ring in Go's runtime, a queue of
//! words, and the bare copy of its bytes; and what it costs to lose one.
//!
//! Method: events of 35 words and a tag as a profiler writes them (a header word, 32 frames), rings as
//! large as Go's profiler has. All words arrive: the sums of what was read must be right, and so must
//! the losses told of.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use tallymark::core::ring::{
    Capacity, Event, Header, Item, Polling, Read, Reader, Reason, Ring, RingMemory, Writer, words_of,
};

use super::{Context, timed};
use crate::check;
use crate::race::{Contestant, race};
use crate::table::Report;

/// Words of the ring, and its tags.
const DATA: u32 = 1 << 17;
const TAGS: u32 = 1 << 14;

/// Frames of an event, and all its words.
const FRAMES: usize = 32;
const WORDS: usize = 3 + FRAMES;

/// The header word of all events.
const HEADER: u64 = 1;

/// Events in a round.
const TIMES: u32 = 50_000;

/// The same on two threads: few, so that most rounds end before anybody else wants a core.
const TIMES_TOGETHER: u32 = 10_000;

/// Events between two visits of the reader, on one thread.
const BATCH: u32 = 64;

/// On two threads: events that may be unread, and how often the writer looks whether they are.
const WINDOW: u64 = 3072;
const STEP: u64 = 128;

/// How often a thread finds nothing to do before it lets others run.
const POLLS: u32 = 64;

type Memory<'m> = RingMemory<PhantomData<&'m mut [u64]>>;
type RingReader<'m> = Reader<Memory<'m>, Polling, u64>;
type RingWriter<'m> = Writer<Memory<'m>, Polling, u64>;

/// Runs the measures.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    one_thread(context, report)?;
    two_threads(context, report)?;
    full(context, report)
}

fn capacity() -> Result<Capacity> {
    Capacity::new(1, DATA, TAGS).ok_or_else(|| anyhow!("a ring of Go's size"))
}

fn ring(words: &mut [u64]) -> Result<(RingWriter<'_>, RingReader<'_>)> {
    Ok(Ring::format(words, &Header::new(capacity()?)).map_err(|error| anyhow!("{error}"))?.split(Polling))
}

fn frames() -> [usize; FRAMES] {
    std::array::from_fn(|frame| 0x40_0000 + frame)
}

/// An event as words, but for its time.
fn event() -> [u64; WORDS] {
    let mut event = [HEADER; WORDS];
    event[0] = WORDS as u64;
    for (word, frame) in event[3..].iter_mut().zip(frames()) {
        *word = frame as u64;
    }
    event
}

/// The sum of the times, which are 1, 2, 3, ….
fn sum_of_times(events: u32) -> u64 {
    u64::from(events) * u64::from(events + 1) / 2
}

/// The sum of all words of all events.
fn sum_of_words(events: u32) -> u64 {
    let rest: u64 = event().iter().sum::<u64>() - HEADER;
    sum_of_times(events) + rest * u64::from(events)
}

/// Gives out one batch of events, if there is one, and gives it back; the number of events.
fn read_batch(reader: &mut RingReader<'_>, mut each: impl FnMut(&Event<'_, Memory<'_>, u64>)) -> Result<u64> {
    let Read::Events(batch) = reader.read()? else { return Ok(0) };
    let mut events = 0;
    for item in batch {
        let Item::Event(event) = &item else { bail!("{item:?} in a ring with room") };
        each(event);
        events += 1;
    }
    reader.release();
    Ok(events)
}

fn one_thread(context: &Context, report: &mut Report) -> Result<()> {
    let mut words = vec![0; words_of(capacity()?)];
    let (writer, mut reader) = ring(&mut words)?;
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(DATA as usize);
    let mut target = vec![0; DATA as usize];
    let (header, stack, event) = ([HEADER], frames(), event());
    let mut contestants = vec![
        Contestant::of("Writer::write, read", TIMES, || {
            let (mut sum, mut result) = (0, Ok(()));
            let time = timed(|| {
                result = (1..=u64::from(TIMES)).try_for_each(|now| {
                    writer.write(now, now, &header, &stack)?;
                    if is_end_of_batch(now) {
                        while read_batch(&mut reader, |event| sum += event.time())? != 0 {}
                    }
                    Ok(())
                });
            });
            result.and_then(|()| check::sum("Writer::write", sum, sum_of_times(TIMES)))?;
            Ok(time)
        }),
        Contestant::of("rtrb, push and read", TIMES, || {
            let (mut sum, mut event, mut result) = (0, event, Ok(()));
            let time = timed(|| {
                result = (1..=u64::from(TIMES)).try_for_each(|now| {
                    event[1] = now;
                    producer.push_entire_slice(&event)?;
                    if is_end_of_batch(now) {
                        let chunk = consumer.read_chunk(consumer.slots())?;
                        let (one, two) = chunk.as_slices();
                        // The second word of each event, also of one that the end of the array divides.
                        sum += one.iter().skip(1).step_by(WORDS).sum::<u64>();
                        let begun = one.len() % WORDS;
                        sum += two.iter().skip((WORDS + 1 - begun) % WORDS).step_by(WORDS).sum::<u64>();
                        chunk.commit_all();
                    }
                    Ok(())
                });
            });
            result.and_then(|()| check::sum("rtrb", sum, sum_of_times(TIMES)))?;
            Ok(time)
        }),
        Contestant::of("memcpy, 280 bytes", TIMES, || {
            let mut event = event;
            let time = timed(|| {
                let mut at = 0;
                for now in 1..=u64::from(TIMES) {
                    event[1] = now;
                    if at + WORDS > target.len() {
                        at = 0;
                    }
                    target[at..at + WORDS].copy_from_slice(std::hint::black_box(&event));
                    at += WORDS;
                }
            });
            std::hint::black_box(&target);
            Ok(time)
        }),
    ];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go, profBuf", || {
            let mut go = context.go().ok_or_else(|| anyhow!("Go is gone"))?;
            let answer =
                go.ask_for(&["ring", &BATCH.to_string(), &TIMES.to_string()], sum_of_times(TIMES))?;
            Ok(vec![answer.nanoseconds / f64::from(TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    ensure!(target.contains(&u64::from(TIMES)), "nothing was copied");
    ensure!(writer.lost().is_none(), "events were lost");
    let others = [("Go, profBuf", "≤ 0.35"), ("rtrb, push and read", ""), ("memcpy, 280 bytes", "")];
    report.add("event of 35 words, one thread", &times, 0, "Writer::write, read", &others);
    Ok(())
}

fn is_end_of_batch(now: u64) -> bool {
    now.is_multiple_of(BATCH.into()) || now == u64::from(TIMES)
}

fn two_threads(context: &Context, report: &mut Report) -> Result<()> {
    let mut words = vec![0; words_of(capacity()?)];
    let (writer, mut reader) = ring(&mut words)?;
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(DATA as usize);
    let (header, stack, event) = ([HEADER], frames(), event());
    let mut contestants = vec![
        Contestant::of("Writer::write, read", TIMES_TOGETHER, || {
            let write = |now| Ok(writer.write(now, now, &header, &stack)?);
            let read =
                |sum: &mut u64| read_batch(&mut reader, |event| *sum += event.words().iter().sum::<u64>());
            let (time, sum) = pass(write, read)?;
            check::sum("Writer::write", sum, sum_of_words(TIMES_TOGETHER))?;
            Ok(time)
        }),
        Contestant::of("rtrb, push and read", TIMES_TOGETHER, || {
            let mut event = event;
            let write = |now| {
                event[1] = now;
                Ok(producer.push_entire_slice(&event)?)
            };
            let read = |sum: &mut u64| {
                let chunk = consumer.read_chunk(consumer.slots())?;
                let (one, two) = chunk.as_slices();
                let words = one.len() + two.len();
                *sum += one.iter().sum::<u64>() + two.iter().sum::<u64>();
                chunk.commit_all();
                Ok((words / WORDS) as u64)
            };
            let (time, sum) = pass(write, read)?;
            check::sum("rtrb", sum, sum_of_words(TIMES_TOGETHER))?;
            Ok(time)
        }),
    ];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go, profBuf", || {
            let mut go = context.go().ok_or_else(|| anyhow!("Go is gone"))?;
            let question = ["ringtwo", &WINDOW.to_string(), &STEP.to_string(), &TIMES_TOGETHER.to_string()];
            let answer = go.ask_for(&question, sum_of_words(TIMES_TOGETHER))?;
            Ok(vec![answer.nanoseconds / f64::from(TIMES_TOGETHER)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    ensure!(writer.lost().is_none(), "events were lost");
    let others = [("rtrb, push and read", "≤ 1.15"), ("Go, profBuf", "")];
    report.add("event of 35 words, two threads", &times, 0, "Writer::write, read", &others);
    Ok(())
}

/// Writes events in this thread and reads them in another; the time until the last was read, and the
/// sum.
fn pass(
    mut write: impl FnMut(u64) -> Result<()>,
    mut read: impl FnMut(&mut u64) -> Result<u64> + Send,
) -> Result<(Duration, u64)> {
    let (is_ready, is_over, given) = (AtomicBool::new(false), AtomicBool::new(false), Line::default());
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            is_ready.store(true, Ordering::Release);
            let (mut sum, mut seen, mut polls) = (0, 0, 0);
            let result = loop {
                match read(&mut sum) {
                    Ok(0) if is_over.load(Ordering::Acquire) => break Err(anyhow!("the writer has failed")),
                    Ok(0) => pause(&mut polls),
                    Ok(events) => seen += events,
                    Err(error) => break Err(error),
                }
                given.0.store(seen, Ordering::Release);
                if seen >= u64::from(TIMES_TOGETHER) {
                    break Ok((Instant::now(), sum));
                }
            };
            is_over.store(true, Ordering::Release);
            result
        });
        while !is_ready.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let start = Instant::now();
        let mut polls = 0;
        let result = (1..=u64::from(TIMES_TOGETHER)).try_for_each(|now| {
            while now.is_multiple_of(STEP) && now - given.0.load(Ordering::Acquire) > WINDOW {
                ensure!(!is_over.load(Ordering::Acquire), "the reader has failed");
                pause(&mut polls);
            }
            write(now)
        });
        if result.is_err() {
            is_over.store(true, Ordering::Release);
        }
        let read = reader.join().map_err(|_| anyhow!("the reader has panicked"))?;
        let (end, sum) = match (result, read) {
            (Ok(()), Ok(read)) => read,
            (Err(error), Ok(_)) | (Ok(()), Err(error)) => return Err(error),
            (Err(writer), Err(reader)) => return Err(reader.context(format!("{writer:#}"))),
        };
        Ok((end - start, sum))
    })
}

/// A number that shares its cache lines with nobody.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// What a thread does that finds nothing to do.
fn pause(polls: &mut u32) {
    *polls += 1;
    if polls.is_multiple_of(POLLS) { thread::yield_now() } else { std::hint::spin_loop() }
}

fn full(context: &Context, report: &mut Report) -> Result<()> {
    let mut words = vec![0; words_of(capacity()?)];
    let (writer, mut reader) = ring(&mut words)?;
    let (header, stack) = ([HEADER], frames());
    let mut contestants = vec![Contestant::of("Writer::write", TIMES, || {
        while writer.write(1, 0, &header, &stack).is_ok() {}
        let mut rejected = 0;
        let time = timed(|| {
            for now in 0..u64::from(TIMES) {
                rejected += u64::from(writer.write(1, now, &header, &stack) == Err(Reason::Full));
            }
        });
        check::sum("Writer::write", rejected, u64::from(TIMES))?;
        let mut told = 0;
        while let Read::Events(batch) = reader.read()? {
            for item in batch {
                told += if let Item::Loss(loss) = item { u64::from(loss.count) } else { 0 };
            }
        }
        // The first was lost before the time began.
        check::sum("losses told of", told, u64::from(TIMES + 1))?;
        Ok(time)
    })];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go, profBuf", || {
            let mut go = context.go().ok_or_else(|| anyhow!("Go is gone"))?;
            let answer = go.ask_for(&["ringfull", &TIMES.to_string()], u64::from(TIMES))?;
            Ok(vec![answer.nanoseconds / f64::from(TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    report.add("event lost in a full ring", &times, 0, "Writer::write", &[("Go, profBuf", "≤ 0.15")]);
    Ok(())
}
