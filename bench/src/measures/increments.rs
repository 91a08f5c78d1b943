//! Goal: what a cached increment costs beside the least that it could, a bare atomic addition.
//!
//! Method: a static counter that has its place in a file, counted up in a loop; the same loop over bare
//! atomics, over the handles of other libraries, and over Go's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use metrics_util::registry::{AtomicStorage, Registry};
use tallymark::Counter;

use super::{Context, file_of, metadata, session, timed};
use crate::memory::Page;
use crate::race::{Contestant, race};
use crate::scratch::Scratch;
use crate::table::Report;
use crate::{allocations, check};

/// The counter.
static COUNTED: Counter = Counter::new("bench/increments");

/// Its name.
const NAME: &str = "bench/increments";

/// Additions in a round.
const TIMES: u32 = 500_000;

/// Go's, which are slower.
const TIMES_OF_GO: u32 = 100_000;

/// Runs the measure on each file system.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    context.media().into_iter().try_for_each(|medium| on(medium, context, report))
}

/// The least that a count can cost.
#[inline]
pub(super) fn bare(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// How often something was done, for the check.
#[derive(Default)]
struct Done(std::cell::Cell<u64>);

impl Done {
    fn add(&self, n: u32) {
        self.0.set(self.0.get() + u64::from(n));
    }
}

fn on(medium: &Scratch, context: &Context, report: &mut Report) -> Result<()> {
    let folder = medium.folder()?;
    let session = session(&folder)?;
    COUNTED.inc();
    let file = file_of(&session)?;
    let (memory, page) = (Page::anonymous()?, Page::of_file(&folder.join("page"))?);
    let (in_memory, in_file) = (memory.atomic()?, page.atomic()?);
    let registry = Registry::new(AtomicStorage);
    let key = metrics::Key::from_static_name(NAME);
    let storage: Arc<AtomicU64> = registry.get_or_create_counter(&key, Arc::clone);
    let handle = metrics::Counter::from_arc(Arc::clone(&storage));
    let int_counter = prometheus::IntCounter::new("increments", "counted")?;
    let client_counter = prometheus_client::metrics::counter::Counter::<u64>::default();

    let (done, done_by_go) = (Done::default(), Done::default());
    let (mut asked, mut asked_by_go) = (0, 0);
    let mut contestants = vec![
        Contestant::of("static Counter", TIMES, || {
            done.add(TIMES);
            let (time, blocks) = allocations::during(|| timed(|| (0..TIMES).for_each(|_| COUNTED.inc())));
            asked += blocks;
            Ok(time)
        }),
        Contestant::of("fetch_add, memory", TIMES, || Ok(timed(|| (0..TIMES).for_each(|_| bare(in_memory))))),
        Contestant::of("fetch_add, same kind of file", TIMES, || {
            Ok(timed(|| (0..TIMES).for_each(|_| bare(in_file))))
        }),
        Contestant::of("metrics + metrics-util", TIMES, || {
            Ok(timed(|| (0..TIMES).for_each(|_| handle.increment(1))))
        }),
        Contestant::of("prometheus IntCounter", TIMES, || {
            Ok(timed(|| (0..TIMES).for_each(|_| int_counter.inc())))
        }),
        Contestant::of("prometheus-client Counter", TIMES, || {
            Ok(timed(|| {
                (0..TIMES).for_each(|_| {
                    client_counter.inc();
                })
            }))
        }),
    ];
    let go_file = folder.join("go.v1.count");
    if context.go().is_some() {
        context.ask(&["open", &go_file.to_string_lossy(), &metadata()?])?;
        context.ask(&["handle", NAME])?;
        contestants.push(Contestant::new("Go", || {
            done_by_go.add(TIMES_OF_GO);
            let answer = context.ask(&["add", &TIMES_OF_GO.to_string()])?;
            asked_by_go += answer.allocations;
            Ok(vec![answer.nanoseconds / f64::from(TIMES_OF_GO)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    session.close();

    let done = done.0.get();
    check::count(&file, NAME, done + 1)?;
    for (what, found) in [
        ("fetch_add, memory", memory.value()?),
        ("fetch_add, file", page.value()?),
        ("metrics", storage.load(Ordering::Relaxed)),
        ("prometheus", int_counter.get()),
        ("prometheus-client", client_counter.get()),
    ] {
        check::sum(what, found, done)?;
    }
    check::sum("allocations of cached increments", asked, 0)?;
    report.note(format!("increments on {}: {asked} allocations in {done} additions", medium.kind));
    if context.go().is_some() {
        context.ask(&["close"])?;
        let done = done_by_go.0.get();
        check::count(&go_file, NAME, done + 1)?;
        report.note(format!(
            "Go's increments on {}: {asked_by_go} allocations in {done} additions",
            medium.kind
        ));
    }
    report.add(
        &format!("increment, one thread, {}", medium.kind),
        &times,
        0,
        "static Counter",
        &[
            ("fetch_add, memory", "≤ 1.10"),
            ("fetch_add, same kind of file", "≤ 1.10"),
            ("metrics + metrics-util", ""),
            ("prometheus IntCounter", ""),
            ("prometheus-client Counter", ""),
            ("Go", ""),
        ],
    );
    Ok(())
}
