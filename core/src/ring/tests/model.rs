//! The ring against a queue: what is read and lost is what was written, in order.

use std::collections::VecDeque;

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Do {
    /// Header words and stack words.
    Write(usize, usize),
    Read,
    Release,
    /// The writer is replaced by another that attaches.
    NewWriter,
    /// The same for the reader, which has not given back what it was given.
    NewReader,
}

#[derive(Debug, PartialEq)]
enum Sent {
    Event {
        tag: u64,
        time: u64,
        header: Vec<u64>,
        stack: Vec<u64>,
    },
    Loss(Loss),
    /// A loss that was told of, and is told of again.
    Again(Loss),
}

fn script() -> impl Strategy<Value = Vec<Do>> {
    let step = prop_oneof![
        8 => (0..4_usize, 0..12_usize).prop_map(|(header, stack)| Do::Write(header, stack)),
        1 => (0..2_usize, 12..80_usize).prop_map(|(header, stack)| Do::Write(header, stack)),
        4 => Just(Do::Read),
        1 => Just(Do::Release),
        1 => Just(Do::NewWriter),
        1 => Just(Do::NewReader),
    ];
    proptest::collection::vec(step, 1..if cfg!(miri) { 25 } else { 200 })
}

/// A new run of losses, or one more of the last.
fn lose(sent: &mut VecDeque<Sent>, reason: Reason, time: u64, weight: u64) {
    if !matches!(sent.back(), Some(Sent::Loss(_))) {
        sent.push_back(Sent::Loss(Loss { first_time: time, ..Loss::default() }));
    }
    if let Some(Sent::Loss(loss)) = sent.back_mut() {
        loss.count += 1;
        loss.too_large += u32::from(reason == Reason::TooLarge);
        loss.last_time = time;
        loss.weight += weight;
    }
}

fn run<W: Width>(capacity: Capacity, start: Index, script: &[Do]) -> Result<(), TestCaseError> {
    let mut memory = memory(capacity);
    let wake = Header::new(capacity).wake;
    let (mut writer, mut reader) = ring::<W, _>(&mut memory, capacity, start, Polling);
    let mut sent = VecDeque::new();
    let header_words = capacity.header_words() as usize;
    let mut held = Vec::new();
    let mut in_ring = 0_i32;
    for (time, step) in script.iter().enumerate() {
        let time = time as u64 + 1;
        match *step {
            Do::Write(header, stack) => {
                let header: Vec<u64> = (0..header as u64).map(|n| time + n).collect();
                let frames: Vec<usize> = (0..stack).map(|n| n * 7 + time as usize).collect();
                match writer.write(time, time, &header, &frames) {
                    Ok(()) => {
                        prop_assert!(header.len() <= header_words);
                        let mut header = header;
                        header.resize(header_words, 0);
                        let stack = frames.iter().map(|&frame| frame as u64).collect();
                        sent.push_back(Sent::Event { tag: time, time, header, stack });
                        in_ring += 1;
                    }
                    Err(reason) => {
                        let want = 2 + header_words + stack;
                        if in_ring == 0 && held.is_empty() && header.len() <= header_words {
                            let is_pending = matches!(sent.back(), Some(Sent::Loss(_)));
                            prop_assert!(is_pending || 2 * want > capacity.data_words() as usize);
                        }
                        let weight = if header_words == 0 { 0 } else { header.first().copied().unwrap_or(0) };
                        lose(&mut sent, reason, time, weight);
                    }
                }
            }
            Do::Read => {
                held.clear();
                if let Read::Events(batch) = reader.read().unwrap() {
                    let mut items = 0;
                    for item in batch {
                        items += 1;
                        let got = match item {
                            Item::Loss(loss) => Sent::Loss(loss),
                            Item::Event(event) => {
                                in_ring -= 1;
                                Sent::Event {
                                    tag: event.tag(),
                                    time: event.time(),
                                    header: event.header().to_vec(),
                                    stack: event.stack().to_vec(),
                                }
                            }
                        };
                        let expected = match sent.pop_front() {
                            Some(Sent::Again(loss)) => Some(Sent::Loss(loss)),
                            other => other,
                        };
                        prop_assert_eq!(Some(&got), expected.as_ref());
                        held.push(got);
                    }
                    prop_assert!(items > 0, "a read of nothing");
                } else {
                    prop_assert!(sent.is_empty(), "still to come: {:?}", sent);
                }
            }
            Do::Release => {
                reader.release();
                held.clear();
            }
            Do::NewWriter => {
                let memory = writer.memory.other_end();
                core::mem::forget(writer);
                // SAFETY: the one before is gone.
                writer = unsafe { Writer::attach(memory, Polling, wake) };
            }
            Do::NewReader => {
                for item in held.drain(..).rev() {
                    in_ring += i32::from(matches!(item, Sent::Event { .. }));
                    sent.push_front(match item {
                        Sent::Loss(loss) => Sent::Again(loss),
                        item => item,
                    });
                }
                let memory = reader.memory.other_end();
                // SAFETY: the one before is gone.
                reader = unsafe { Reader::attach(memory, Polling, wake) };
            }
        }
    }
    drop(writer);
    let mut reads = 0;
    loop {
        match reader.read().unwrap() {
            Read::End => break,
            Read::Nothing => prop_assert!(false, "neither events nor the end"),
            Read::Events(batch) => {
                for item in batch {
                    match (item, sent.pop_front()) {
                        (Item::Loss(loss), Some(Sent::Loss(expected) | Sent::Again(expected))) => {
                            prop_assert_eq!(loss, expected)
                        }
                        (Item::Event(event), Some(Sent::Event { time, .. })) => {
                            prop_assert_eq!(event.time(), time);
                        }
                        (item, expected) => prop_assert!(false, "{:?} instead of {:?}", item, expected),
                    }
                }
            }
        }
        reads += 1;
        prop_assert!(reads < 1000);
    }
    prop_assert!(sent.is_empty(), "lost at the end: {:?}", sent);
    Ok(())
}

/// Starts near the wraps of both counts, and anywhere.
fn start() -> impl Strategy<Value = Index> {
    prop_oneof![
        Just(Index::default()),
        (0..300_u32, 0..60_u32)
            .prop_map(|(data, tags)| Index::new(data.wrapping_sub(200), tags.wrapping_sub(30) & 0x3fff_ffff)),
        (any::<u32>(), 0..1_u32 << 30).prop_map(|(data, tags)| Index::new(data, tags)),
    ]
}

proptest! {
    #![proptest_config(crate::proptest_config())]

    #[test]
    fn the_stream_is_not_what_was_written(
        header in 0..4_u32,
        data in 0..7_u32,
        tags in 0..6_u32,
        start in start(),
        script in script(),
    ) {
        let capacity = Capacity::new(header, 1 << data, 1 << tags).unwrap();
        run::<Native>(capacity, start, &script)?;
        run::<Halves>(capacity, start, &script)?;
    }
}
