//! Goal: no contents of a ring's memory, also none that change between two loads, make a reader panic,
//! hang, or work longer than its bounds say; and events lie inside.
//! Method: memory that lies, with many seeds, whose operations are counted; and a thread that scribbles
//! over the memory of a reader.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tallymark_core::ring::{
    Capacity, Halves, Header, Item, Memory, Polling, Read, Reader, Ring, Shared, words_of,
};
use tallymark_tests::hostile_ring::{HostileRing, Lie};

const SEEDS: u64 = if cfg!(debug_assertions) { 2_000 } else { 50_000 };

/// Looks at all that a read gave, and counts it: events, losses, ends and nothings.
fn count<M: Memory>(read: Read<'_, M, u64>, counts: &mut [u64; 3]) {
    let Read::Events(batch) = read else { return counts[2] += 1 };
    let mut items = 0;
    for item in batch {
        items += 1;
        match item {
            Item::Loss(_) => counts[1] += 1,
            Item::Event(event) => {
                counts[0] += 1;
                let _ = event.stack_words().fold(event.header_word(0), u64::wrapping_add);
            }
        }
    }
    assert!(items <= 64, "more items than tags");
}

#[test]
fn a_reader_of_a_lying_ring_never_ends() {
    let capacity = Capacity::new(1, 256, 64).unwrap();
    // A snapshot of the sums: 64 attempts with 7 loads and a fence.
    let snapshot = 1 + 64 * 8;
    // Each event is passed over once and takes 6 loads and 4 stores; a loss takes as many again, and there
    // are two snapshots in each round, which passes over an event.
    let read = 2 + 64 * (2 * snapshot + 20);
    for lie in [Lie::Events, Lie::Losses, Lie::ToldLosses, Lie::Sums, Lie::Anything] {
        let (mut counts, mut faults, mut most, mut most_waiting) = ([0; 3], 0_u64, 0, 0);
        for seed in 0..SEEDS {
            let memory = HostileRing::new(capacity, lie, seed);
            // SAFETY: no memory is behind this one.
            let mut reader =
                unsafe { Reader::<_, _, u64>::attach(memory, Polling, Header::new(capacity).wake) };
            for round in 0..4 {
                // SAFETY: nothing is stored through it, here and below.
                unsafe { reader.memory() }.operations();
                let limit = Duration::from_millis(5);
                let read = if round < 2 { reader.read() } else { reader.wait(Some(limit)) };
                match read {
                    Ok(read) => count(read, &mut counts),
                    Err(_) => faults += 1,
                }
                // SAFETY: as above.
                let operations = unsafe { reader.memory() }.operations();
                let most = if round < 2 { &mut most } else { &mut most_waiting };
                *most = operations.max(*most);
            }
        }
        let [events, losses, rest] = counts;
        println!(
            "{lie:?}: {most} operations at most, waiting {most_waiting}; {events} events, {losses} losses, {rest} times neither, {faults} faults"
        );
        assert!(most <= read, "{lie:?}: {most} operations, {read} are allowed");
        // A lie that is seen through at once leads nobody on.
        let is_believed = lie == Lie::Anything || faults < SEEDS;
        assert!(is_believed, "{lie:?}: {faults} faults in {} reads", 4 * SEEDS);
        // 64 rounds, each with what a sleeper looks at.
        let waiting = 64 * (read + snapshot + 10);
        assert!(most_waiting <= waiting, "{lie:?}: {most_waiting} operations, {waiting} are allowed");
    }
}

#[test]
fn a_reader_hangs_while_another_thread_scribbles() {
    let capacity = Capacity::new(1, 64, 16).unwrap();
    #[repr(C, align(8))]
    struct Word([AtomicU32; 2]);
    let length = words_of(capacity);
    let words: Vec<Word> = (0..length).map(|_| Word([AtomicU32::new(0), AtomicU32::new(0)])).collect();
    let base = NonNull::from(&words[..]).cast();
    // SAFETY: the words live until the end of the test; all are atomics of 32 bits, as those of this ring.
    let made = unsafe { Ring::<(), Shared, Halves>::format_raw(base, length, (), &Header::new(capacity)) };
    let mut reader = made.unwrap().into_reader::<u64, _>(Polling);
    let is_over = AtomicBool::new(false);
    let (mut counts, mut faults) = ([0; 3], 0_u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let halves: Vec<&AtomicU32> = words.iter().flat_map(|word| &word.0).collect();
            let mut random = 1_u64;
            while !is_over.load(Ordering::Relaxed) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let [some, other] = [(random >> 33) as usize, (random >> 20) as usize];
                let at = 32 + some % (halves.len() - 32);
                // Small words are lengths.
                let value = if other % 4 == 0 { (random >> 8) as u32 } else { (other >> 2) as u32 % 12 };
                halves[at].store(value, Ordering::Relaxed);
                // `Written` is mostly a little ahead of `Read`, as index words are.
                for (half, unit) in [(0, 1), (1, 4)] {
                    let read = halves[96 + half].load(Ordering::Relaxed);
                    halves[32 + half].store(read.wrapping_add(value % 16 * unit), Ordering::Relaxed);
                }
            }
        });
        // Until it has met all kinds often: how soon is for the scheduler to say.
        while counts.iter().chain([&faults]).any(|&count| count < 20) {
            match reader.read() {
                Ok(read) => count(read, &mut counts),
                Err(_) => faults += 1,
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    println!("{counts:?} events, losses and neither, {faults} faults");
}
