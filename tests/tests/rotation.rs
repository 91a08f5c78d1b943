//! Goal: no count is lost or invented while the file grows and the week ends, whatever the clock does
//! (T27).
//! Method: eight threads count into statics and into ever new names; another turns the clock forward,
//! back, and far ahead without asking anybody to notice. The sums of all files are the counts made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tallymark::{Counter, counter};
use tallymark_tests::scene::{DAY, MONDAY, Scene, WEEK};

static SHARED: [Counter; 4] = [
    Counter::new("rotation/shared:0"),
    Counter::new("rotation/shared:1"),
    Counter::new("rotation/shared:2"),
    Counter::new("rotation/shared:3"),
];

const THREADS: u64 = 8;
/// An unoptimised build tries less.
const ROTATIONS: i64 = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
/// Weeks that the clock wanders through.
const WEEKS: i64 = 24;

/// Counts until told to stop; returns how often each shared counter and each new name.
fn count(thread: u64, stop: &AtomicBool) -> (u64, u64) {
    let (mut shared, mut names) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        for counter in &SHARED {
            counter.inc();
            counter.add(2);
        }
        shared += 3;
        // New names make the file grow; they are counted again in later weeks.
        if shared % 300 == 0 {
            counter(&format!("rotation/{thread}:{}", names % 1000)).unwrap().inc();
            names += 1;
            // There are more threads than processors, and one of them turns the clock.
            thread::yield_now();
        }
    }
    (shared, names)
}

#[test]
fn eight_threads_lose_counts_while_the_file_grows_and_rotates() {
    let scene = Scene::new();
    let session = scene.open();
    let stop = AtomicBool::new(false);
    let counts: Vec<(u64, u64)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let stop = &stop;
                scope.spawn(move || count(thread, stop))
            })
            .collect();
        for rotation in 0..ROTATIONS {
            let week = match rotation % 3 {
                0 => rotation % WEEKS,             // forward
                1 => (rotation * 7) % WEEKS,       // ahead or back
                _ => WEEKS - 1 - rotation % WEEKS, // back
            };
            scene.set_clock(MONDAY + week * WEEK + rotation % DAY);
            // Every fourth time nobody is told: it is as if the machine had been asleep.
            if rotation % 4 != 0 {
                session.poll();
            }
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    drop(session);

    let totals = scene.totals();
    let shared: u64 = counts.iter().map(|(shared, _)| shared).sum();
    for counter in &SHARED {
        assert_eq!(counter.waiting(), 0);
        assert_eq!(totals[std::str::from_utf8(counter.name()).unwrap()], shared);
    }
    for (thread, (_, names)) in (0..).zip(&counts) {
        let prefix = format!("rotation/{thread}:");
        let sum: u64 = totals.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(_, n)| n).sum();
        assert_eq!(sum, *names, "thread {thread}");
    }
    assert!(scene.files().len() >= WEEKS as usize / 2, "the clock has wandered through the weeks");
}
