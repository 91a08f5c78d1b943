//! Goal: what it costs to read all counters of a file whose bytes are in memory.
//!
//! Method: a file of 10 000 counters, the n-th with a count of n. Every reading must find all of them,
//! with the right total.

use anyhow::{Result, anyhow};
use tallymark::core::Bytes;
use tallymark::core::format::reader::{Item, Reader, marks_needed};
use tallymark::{Base, Contents, CountFile, Name, UnixTime};

use super::{Context, names, program, timed};
use crate::race::{Contestant, race};
use crate::table::Report;
use crate::{allocations, check};

/// Counters in the file.
const COUNTERS: usize = 10_000;

/// Their total.
const TOTAL: u64 = (COUNTERS * (COUNTERS + 1) / 2) as u64;

/// Readings in a round.
const TIMES: u32 = 5;

/// Runs the measure.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let base = Base::new(context.memory.folder()?);
    let file = CountFile::open(&base, &program(), UnixTime::now())?;
    for (number, name) in names("reading/requests:", 0..COUNTERS).iter().enumerate() {
        file.add(file.slot(&Name::plain(name.as_bytes())?)?, number as u64 + 1);
    }
    let path = file.path();
    let bytes = std::fs::read(&path)?;
    let mut marks = vec![0; marks_needed(bytes.len() as u32)];
    let (mut asked_by_core, mut asked_by_parse, mut asked_by_go) = (0, 0, 0);
    let mut contestants = vec![
        Contestant::of("core Reader", TIMES, || {
            let mut totals = (0, 0);
            let mut result = Ok(());
            let (time, asked) = allocations::during(|| {
                timed(|| {
                    for _ in 0..TIMES {
                        totals = (0, 0);
                        result = read(&bytes, &mut marks, &mut totals);
                    }
                })
            });
            asked_by_core = asked;
            result?;
            check::sum("core Reader", totals.0, COUNTERS as u64)?;
            check::sum("core Reader", totals.1, TOTAL)?;
            Ok(time)
        }),
        Contestant::of("Contents::parse", TIMES, || {
            let mut last = None;
            let (time, asked) = allocations::during(|| {
                timed(|| (0..TIMES).for_each(|_| last = Some(Contents::parse(&bytes))))
            });
            asked_by_parse = asked / u64::from(TIMES);
            let contents = last.transpose().map_err(|fault| anyhow!("{fault}"))?;
            let contents = contents.ok_or_else(|| anyhow!("nothing was read"))?;
            check::sum("Contents::parse", contents.counters.len() as u64, COUNTERS as u64)?;
            check::sum("Contents::parse", contents.total(), TOTAL)?;
            Ok(time)
        }),
    ];
    if context.go().is_some() {
        let (path, asked_by_go) = (&path, &mut asked_by_go);
        contestants.push(Contestant::new("Go, Parse", move || {
            let question = ["parse", &*path.to_string_lossy(), &TIMES.to_string()];
            let mut go = context.go().ok_or_else(|| anyhow!("Go is gone"))?;
            let answer = go.ask_for(&question, TOTAL)?;
            *asked_by_go = answer.allocations / u64::from(TIMES);
            Ok(vec![answer.nanoseconds / f64::from(TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    check::sum("allocations of the core's reader", asked_by_core, 0)?;
    let measure = "read 10 000 counters";
    for contestant in ["core Reader", "Contents::parse"] {
        report.add(measure, &times, 0, contestant, &[("Go, Parse", "≤ 0.25")]);
    }
    let go = if context.go().is_some() { format!(", Go {asked_by_go}") } else { String::new() };
    report.note(format!(
        "allocations in one reading of 10 000 counters: core {asked_by_core}, Contents::parse {asked_by_parse}{go}"
    ));
    Ok(())
}

/// Reads all counters; adds their number and their counts.
fn read(bytes: &[u8], marks: &mut [u32], totals: &mut (u64, u64)) -> Result<()> {
    let reader = Reader::open(Bytes(bytes), marks).map_err(|fault| anyhow!("{fault}"))?;
    let mut reader = reader.map_err(|_| anyhow!("there are as many marks as it asks for"))?;
    while let Some(item) = reader.next() {
        match item {
            Item::Entry(entry) => *totals = (totals.0 + 1, totals.1 + entry.value),
            other => anyhow::bail!("{other:?} in a healthy file"),
        }
    }
    Ok(())
}
