//! Goal: what two threads pay that count with one counter at the same time, beside what the machine
//! asks for a line that two cores want.
//!
//! Method: both threads start at one moment; the time is that from the start to the end of the last,
//! for each addition of both.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tallymark::Counter;

use super::increments::bare;
use super::{Context, file_of, metadata, session};
use crate::check;
use crate::memory::Page;
use crate::race::{Contestant, race};
use crate::table::Report;

/// The counter.
static COUNTED: Counter = Counter::new("bench/two-threads");

/// Its name.
const NAME: &str = "bench/two-threads";

/// Additions of each thread in a round.
const TIMES: u32 = 200_000;

/// Runs the measure.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let folder = context.memory.folder()?;
    let session = session(&folder)?;
    COUNTED.inc();
    let file = file_of(&session)?;
    let page = Page::of_file(&folder.join("page"))?;
    let atomic: &AtomicU64 = page.atomic()?;
    let (mut rounds, mut rounds_of_go) = (0, 0);
    let mut contestants = vec![
        Contestant::of("static Counter", 2 * TIMES, || {
            rounds += 1;
            together(|| (0..TIMES).for_each(|_| COUNTED.inc()))
        }),
        Contestant::of("fetch_add, same kind of file", 2 * TIMES, || {
            together(|| (0..TIMES).for_each(|_| bare(atomic)))
        }),
    ];
    let go_file = folder.join("go.v1.count");
    if context.go().is_some() {
        context.ask(&["open", &go_file.to_string_lossy(), &metadata()?])?;
        context.ask(&["handle", NAME])?;
        contestants.push(Contestant::new("Go, two goroutines", || {
            rounds_of_go += 1;
            let answer = context.ask(&["addtwo", &TIMES.to_string()])?;
            Ok(vec![answer.nanoseconds / f64::from(2 * TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    session.close();

    let a_round = u64::from(2 * TIMES);
    check::count(&file, NAME, rounds * a_round + 1)?;
    check::sum("fetch_add, file", page.value()?, rounds * a_round)?;
    if context.go().is_some() {
        context.ask(&["close"])?;
        check::count(&go_file, NAME, rounds_of_go * a_round + 1)?;
    }
    report.add(
        &format!("increment, two threads, {}", context.memory.kind),
        &times,
        0,
        "static Counter",
        &[("fetch_add, same kind of file", "≤ 1.05"), ("Go, two goroutines", "")],
    );
    Ok(())
}

/// Does the same work in two threads at one time.
fn together(work: impl Fn() + Sync) -> Result<Duration> {
    let ready = AtomicU32::new(0);
    let one = || {
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < 2 {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        work();
        (start, Instant::now())
    };
    let (a, b) = thread::scope(|scope| {
        let other = scope.spawn(one);
        (one(), other.join())
    });
    let b = b.map_err(|_| anyhow!("a thread has panicked"))?;
    Ok(a.1.max(b.1) - a.0.min(b.0))
}
