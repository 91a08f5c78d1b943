//! Goal: what a new counter costs in a file that has many. The file has 512 chains, so chains become
//! long; and who maps the file anew at each growth pays for every counter that there is.
//!
//! Method: one file that is grown to 300 000 counters, handles for all of them; the last ones before
//! each size are timed. The file must have all of them in the end, with a count of one.

use anyhow::Result;

use super::new_counters::{go_file, handles};
use super::{Context, file_of, metadata, names, session, timed};
use crate::check;
use crate::race::{Contestant, Length, race};
use crate::table::Report;

/// The sizes, and how many counters before each are timed: several pages of the file, except before
/// the first.
const SIZES: [(usize, usize); 4] = [(1_000, 1_000), (10_000, 5_000), (100_000, 5_000), (300_000, 5_000)];

/// The most rounds: handles and names are kept for ever.
const ROUNDS: usize = 8;

/// Runs the measure.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let medium = &context.memory;
    let (mut round, mut round_of_go) = (0, 0);
    let mut contestants = vec![Contestant::new("static Counter", || {
        round += 1;
        let prefix = format!("growth-{round:05}/requests:");
        let folder = medium.folder()?;
        let session = session(&folder)?;
        let file = file_of(&session)?;
        let times = in_steps(|from, to| {
            let handles = handles(&names(&prefix, from..to));
            Ok(timed(|| handles.iter().for_each(|counter| counter.inc())).as_nanos() as f64)
        })?;
        session.close();
        check::ones(&file, SIZES[SIZES.len() - 1].0)?;
        std::fs::remove_dir_all(&folder)?;
        Ok(times)
    })];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go", || {
            round_of_go += 1;
            let (file, prefix) = (go_file(medium)?, format!("growth-{round_of_go:05}/requests:"));
            context.ask(&["open", &file.to_string_lossy(), &metadata()?])?;
            let times = in_steps(|from, to| {
                Ok(context.ask(&["names", &prefix, &from.to_string(), &to.to_string()])?.nanoseconds)
            })?;
            context.ask(&["close"])?;
            check::ones(&file, SIZES[SIZES.len() - 1].0)?;
            std::fs::remove_file(&file)?;
            Ok(times)
        }));
    }
    let times = race(&mut contestants, Length { warm_up: 0, ..context.length(3, ROUNDS) })?;
    drop(contestants);
    for (point, (size, _)) in SIZES.into_iter().enumerate() {
        let measure = format!("new counter, the file grown to {size}, {}", medium.kind);
        report.add(&measure, &times, point, "static Counter", &[("Go", "≤ 0.30")]);
    }
    Ok(())
}

/// Adds counters up to each size; the time of each of the last ones before it.
fn in_steps(mut add: impl FnMut(usize, usize) -> Result<f64>) -> Result<Vec<f64>> {
    let mut from = 0;
    let mut times = Vec::new();
    for (size, timed) in SIZES {
        add(from, size - timed)?;
        times.push(add(size - timed, size)? / timed as f64);
        from = size;
    }
    Ok(times)
}
