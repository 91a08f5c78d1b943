//! Goal: what a name costs that the file does not have yet.
//!
//! Method: in each round a fresh file and fresh handles, and 5 000 names that are counted once each.
//! The file must have all of them afterwards, with a count of one.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use tallymark::Counter;

use super::{Context, file_of, metadata, names, session, timed};
use crate::check;
use crate::race::{Contestant, race};
use crate::scratch::Scratch;
use crate::table::Report;

/// Names in a round.
const NAMES: usize = 5_000;

/// The most rounds: handles and names are kept for ever.
const ROUNDS: usize = 40;

/// Runs the measure on each file system.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    context.media().into_iter().try_for_each(|medium| on(medium, context, report))
}

fn on(medium: &Scratch, context: &Context, report: &mut Report) -> Result<()> {
    let kind = medium.kind;
    let (mut static_rounds, mut interned_rounds, mut rounds_of_go) = (0, 0, 0);
    let mut contestants = vec![
        Contestant::of("static Counter", NAMES as u32, || {
            static_rounds += 1;
            let handles = handles(&names(&format!("{kind}-s{static_rounds:05}/requests:"), 0..NAMES));
            in_fresh_file(medium, || timed(|| handles.iter().for_each(|counter| counter.inc())))
        }),
        Contestant::of("counter(name)", NAMES as u32, || {
            interned_rounds += 1;
            let names = names(&format!("{kind}-i{interned_rounds:05}/requests:"), 0..NAMES);
            let mut refused = 0;
            let time = in_fresh_file(medium, || {
                timed(|| {
                    for name in &names {
                        match tallymark::counter(name) {
                            Ok(counter) => counter.inc(),
                            Err(_) => refused += 1,
                        }
                    }
                })
            });
            ensure!(refused == 0, "{refused} names were refused");
            time
        }),
    ];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go", || {
            rounds_of_go += 1;
            let (file, prefix) = (go_file(medium)?, format!("{kind}-g{rounds_of_go:05}/requests:"));
            context.ask(&["open", &file.to_string_lossy(), &metadata()?])?;
            let answer = context.ask(&["names", &prefix, "0", &NAMES.to_string()])?;
            context.ask(&["close"])?;
            check::ones(&file, NAMES)?;
            std::fs::remove_file(&file)?;
            Ok(vec![answer.nanoseconds / NAMES as f64])
        }));
    }
    let times = race(&mut contestants, context.length(10, ROUNDS))?;
    drop(contestants);
    let measure = format!("new counter, 5 000 in a fresh file, {kind}");
    for contestant in ["static Counter", "counter(name)"] {
        report.add(&measure, &times, 0, contestant, &[("Go", "≤ 0.25")]);
    }
    Ok(())
}

/// Static counters, made at run time and kept for ever.
pub(super) fn handles(names: &[String]) -> Vec<&'static Counter> {
    let leaked = |name: &String| -> &'static Counter {
        Box::leak(Box::new(Counter::new(Box::leak(name.clone().into_boxed_str()))))
    };
    names.iter().map(leaked).collect()
}

/// A path for a file of Go's.
pub(super) fn go_file(medium: &Scratch) -> Result<PathBuf> {
    Ok(medium.folder()?.join("go.v1.count"))
}

/// Works in a session with a fresh file, and looks at what is in the file then.
fn in_fresh_file(medium: &Scratch, work: impl FnOnce() -> Duration) -> Result<Duration> {
    let folder = medium.folder()?;
    let session = session(&folder)?;
    let file = file_of(&session)?;
    let time = work();
    session.close();
    check::ones(&file, NAMES)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(time)
}
