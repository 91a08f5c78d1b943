//! Goal: what the first increment costs after the system has written the page to the disk: it protects
//! such a page against writing, to notice the next change.
//!
//! Method: the file is synchronised, outside the time, before each increment that is timed.

use std::fs::File;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Result;
use tallymark::Counter;

use super::increments::bare;
use super::{Context, file_of, session, timed};
use crate::check;
use crate::memory::Page;
use crate::race::{Contestant, race};
use crate::scratch::Scratch;
use crate::table::Report;

/// The counter.
static COUNTED: Counter = Counter::new("bench/write-back");

/// Its name.
const NAME: &str = "bench/write-back";

/// Increments in a round.
const TIMES: u32 = 20;

/// Runs the measure on each file system.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    context.media().into_iter().try_for_each(|medium| on(medium, context, report))
}

fn on(medium: &Scratch, context: &Context, report: &mut Report) -> Result<()> {
    let folder = medium.folder()?;
    let session = session(&folder)?;
    COUNTED.inc();
    let path = file_of(&session)?;
    let page = Page::of_file(&folder.join("page"))?;
    let (file, page_file) = (File::open(&path)?, File::open(folder.join("page"))?);
    let atomic: &AtomicU64 = page.atomic()?;
    let mut rounds = 0;
    let mut contestants = [
        Contestant::of("static Counter", TIMES, || {
            rounds += 1;
            after_write_back(&file, || COUNTED.inc())
        }),
        Contestant::of("fetch_add, same kind of file", TIMES, || {
            after_write_back(&page_file, || bare(atomic))
        }),
    ];
    let times = race(&mut contestants, context.length(10, 1000))?;
    drop(contestants);
    session.close();
    check::count(&path, NAME, rounds * u64::from(TIMES) + 1)?;
    check::sum("fetch_add, file", page.value()?, rounds * u64::from(TIMES))?;
    let measure = format!("first increment after write-back, {}", medium.kind);
    report.add(&measure, &times, 0, "static Counter", &[("fetch_add, same kind of file", "")]);
    Ok(())
}

/// The time of so much work, each after the file was synchronised.
fn after_write_back(file: &File, work: impl Fn()) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for _ in 0..TIMES {
        file.sync_data()?;
        sum += timed(&work);
    }
    Ok(sum)
}
