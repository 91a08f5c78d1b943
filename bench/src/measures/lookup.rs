//! Goal: what it costs to find one of 5 000 names that are there.
//!
//! Method: lookups in a mixed order. That each was found shows in a sum of the places found, which is
//! held against the file, or against the handles.

use std::hint::black_box;

use anyhow::Result;
use tallymark::{Base, CountFile, Name, UnixTime};

use super::new_counters::go_file;
use super::{Context, metadata, names, program, session, timed};
use crate::check;
use crate::race::{Contestant, race};
use crate::table::Report;

/// Names in the file.
const NAMES: usize = 5_000;

/// Lookups in a round.
const TIMES: u32 = 50_000;

/// What all names begin with.
const PREFIX: &str = "lookup/requests:";

/// Which name is looked up in a turn; the same on Go's side.
fn chosen(turn: u32) -> usize {
    turn as usize * 7919 % NAMES
}

/// Runs the measure.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let medium = &context.memory;
    let names = names(PREFIX, 0..NAMES);
    let session = session(&medium.folder()?)?;
    for name in &names {
        tallymark::counter(name)?.inc();
    }
    let addresses: Vec<_> = names.iter().map(|name| address(name)).collect();
    let expected_addresses = sum(|turn| addresses[chosen(turn)]);

    let base = Base::new(medium.folder()?);
    let file = CountFile::open(&base, &program(), UnixTime::now())?;
    let plain = names.iter().map(|name| Name::plain(name.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let mut slots = Vec::new();
    for name in &plain {
        slots.push(u64::from(file.slot(name)?.offset()));
    }
    let expected_slots = sum(|turn| slots[chosen(turn)]);

    let family = prometheus::IntCounterVec::new(prometheus::Opts::new("lookups", "looked up"), &["name"])?;
    names.iter().for_each(|name| family.with_label_values(&[name]).inc());

    let mut contestants = vec![
        Contestant::of("counter(name)", TIMES, || {
            let mut found = 0;
            let time = timed(|| found = sum(|turn| address(&names[chosen(turn)])));
            check::sum("counter(name)", found, expected_addresses)?;
            Ok(time)
        }),
        Contestant::of("CountFile::slot", TIMES, || {
            let mut found = 0;
            let time = timed(|| {
                found = sum(|turn| {
                    // The name is hashed anew each time.
                    let name = Name::plain(black_box(names[chosen(turn)].as_bytes()));
                    let slot = name.ok().and_then(|name| file.slot(&name).ok());
                    slot.map_or(0, |slot| slot.offset().into())
                });
            });
            check::sum("CountFile::slot", found, expected_slots)?;
            Ok(time)
        }),
        Contestant::of("prometheus with_label_values", TIMES, || {
            let mut found = 0;
            let time = timed(|| {
                found = sum(|turn| black_box(family.with_label_values(&[&names[chosen(turn)]])).get());
            });
            check::sum("with_label_values", found, TIMES.into())?;
            Ok(time)
        }),
    ];
    if context.go().is_some() {
        let go_file = go_file(medium)?;
        context.ask(&["open", &go_file.to_string_lossy(), &metadata()?])?;
        context.ask(&["names", PREFIX, "0", &NAMES.to_string()])?;
        let contents = check::contents(&go_file)?;
        let mut offsets = vec![0; NAMES];
        for counter in &contents.counters {
            let number = String::from_utf8_lossy(&counter.name[PREFIX.len()..]).parse::<usize>()?;
            offsets[number] = u64::from(counter.offset);
        }
        let expected = sum(|turn| offsets[chosen(turn)]);
        contestants.push(Contestant::new("Go, lookup", move || {
            let question = ["find", PREFIX, &NAMES.to_string(), &TIMES.to_string()];
            let mut go = context.go().ok_or_else(|| anyhow::anyhow!("Go is gone"))?;
            Ok(vec![go.ask_for(&question, expected)?.nanoseconds / f64::from(TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 10_000))?;
    drop(contestants);
    if context.go().is_some() {
        context.ask(&["close"])?;
    }
    session.close();
    let measure = "look up one of 5 000 names";
    report.add(measure, &times, 0, "CountFile::slot", &[("Go, lookup", "≤ 0.80")]);
    let others = [("Go, lookup", "≤ 0.80"), ("prometheus with_label_values", "")];
    report.add(measure, &times, 0, "counter(name)", &others);
    Ok(())
}

/// The sum over all turns of a round.
fn sum(found: impl Fn(u32) -> u64) -> u64 {
    (0..TIMES).fold(0u64, |sum, turn| sum.wrapping_add(found(turn)))
}

/// Where the counter of a name is in memory; 0 if it is refused.
fn address(name: &str) -> u64 {
    tallymark::counter(black_box(name)).map_or(0, |counter| std::ptr::from_ref(counter).addr() as u64)
}
