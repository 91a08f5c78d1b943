//! Goal: what it costs to open a file that exists.
//!
//! Method: open, count one (which shows that it was opened), close. Go's equal is its function that
//! maps one file, and its rotation, which also looks at mode, week and directory as a program's start
//! does.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tallymark::core::CounterFile;
use tallymark::{Base, CountFile, Counter, Name, UnixTime};
use tallymark_unix::{DEFAULT_CAPACITY, Directory, MappedFile};

use super::{Context, file_of, metadata, program, session, timed};
use crate::check;
use crate::race::{Contestant, race};
use crate::scratch::Scratch;
use crate::table::Report;

/// The counter.
static COUNTED: Counter = Counter::new("bench/opening");

/// Its name.
const NAME: &str = "bench/opening";

/// Openings in a round.
const TIMES: u32 = 100;

/// Openings of a session in a round, and the most rounds. Each leaves a page of 16 KiB mapped for ever,
/// as the end of a week does, so there cannot be any number of them in one process.
const SESSIONS: (u32, usize) = (4, 50);

/// Runs the measure of files on each file system.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    context.media().into_iter().try_for_each(|medium| files(medium, context, report))
}

/// Runs the measure of sessions on each file system.
pub(super) fn sessions(context: &Context, report: &mut Report) -> Result<()> {
    context.media().into_iter().try_for_each(|medium| sessions_on(medium, context, report))
}

fn files(medium: &Scratch, context: &Context, report: &mut Report) -> Result<()> {
    let name = Name::plain(NAME.as_bytes())?;
    let (folder, now, program) = (medium.folder()?, UnixTime::now(), program());
    let base = Base::new(&folder);
    let first = CountFile::open(&base, &program, now)?;
    let path = first.path();
    let metadata_of_ours = program.metadata(first.time_begin(), first.time_end());
    let header = metadata_of_ours.encode().map_err(|error| anyhow::anyhow!("{error}"))?;
    drop(first);
    let local = Arc::new(Directory::open(base.local())?);
    let file_name = path.file_name().and_then(|name| name.to_str()).context("a file has a name")?;

    let (go_file, go_base) = (folder.join("go.v1.count"), medium.folder()?);
    let (metadata_of_go, often) = (metadata()?, TIMES.to_string());
    let (mut opened, mut mapped) = (0, 0);
    let (mut mapped_by_go, mut rotated_by_go, mut rotated) = (0, 0, None);
    let mut contestants = vec![
        Contestant::of("CountFile::open", TIMES, || {
            opened += u64::from(TIMES);
            let mut result = Ok(());
            let time = timed(|| {
                for _ in 0..TIMES {
                    let done = CountFile::open(&base, &program, now).map_err(anyhow::Error::from);
                    result = done.and_then(|file| {
                        file.add(file.slot(&name)?, 1);
                        Ok(())
                    });
                    if result.is_err() {
                        break;
                    }
                }
            });
            result.map(|()| time)
        }),
        Contestant::of("MappedFile::open", TIMES, || {
            mapped += u64::from(TIMES);
            let mut done = 0;
            let time = timed(|| {
                for _ in 0..TIMES {
                    let Ok(store) = MappedFile::open(&local, file_name, &header, DEFAULT_CAPACITY) else {
                        break;
                    };
                    let file = CounterFile::new(store, header.clone());
                    let Ok(slot) = file.slot(&name) else { break };
                    done += u32::from(file.add(slot, 1).is_ok());
                }
            });
            ensure!(done == TIMES, "only {done} of {TIMES} were opened");
            Ok(time)
        }),
    ];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go, openMapped", || {
            mapped_by_go += u64::from(TIMES);
            let question = ["map", &*go_file.to_string_lossy(), &metadata_of_go, NAME, &often];
            let answer = context.ask(&question)?;
            Ok(vec![answer.nanoseconds / f64::from(TIMES)])
        }));
        contestants.push(Contestant::new("Go, rotate", || {
            rotated_by_go += u64::from(TIMES);
            let answer = context.ask(&["rotate", &go_base.to_string_lossy(), NAME, &often])?;
            rotated = Some(answer.text);
            Ok(vec![answer.nanoseconds / f64::from(TIMES)])
        }));
    }
    let times = race(&mut contestants, context.length(10, 1000))?;
    drop(contestants);
    check::count(&path, NAME, opened + mapped)?;
    if let Some(rotated) = rotated {
        check::count(rotated.as_ref(), NAME, rotated_by_go)?;
        check::count(&go_file, NAME, mapped_by_go)?;
    }
    let measure = format!("open an existing file, {}", medium.kind);
    report.add(&measure, &times, 0, "MappedFile::open", &[("Go, openMapped", "≤ 0.60")]);
    report.add(&measure, &times, 0, "CountFile::open", &[("Go, openMapped", ""), ("Go, rotate", "≤ 0.60")]);
    Ok(())
}

fn sessions_on(medium: &Scratch, context: &Context, report: &mut Report) -> Result<()> {
    let (folder, go_base) = (medium.folder()?, medium.folder()?);
    let mut opened = 0;
    let (mut opened_by_go, mut file_of_go) = (0, None);
    let mut contestants = vec![Contestant::of("open + close", SESSIONS.0, || {
        let mut result = Ok(());
        let time = timed(|| {
            for _ in 0..SESSIONS.0 {
                result = session(&folder).map(|session| {
                    COUNTED.inc();
                    session.close();
                });
                if result.is_err() {
                    break;
                }
                opened += 1;
            }
        });
        result.map(|()| time)
    })];
    if context.go().is_some() {
        contestants.push(Contestant::new("Go, rotate", || {
            opened_by_go += u64::from(SESSIONS.0);
            let question = ["rotate", &*go_base.to_string_lossy(), NAME, &SESSIONS.0.to_string()];
            let answer = context.ask(&question)?;
            file_of_go = Some(answer.text);
            Ok(vec![answer.nanoseconds / f64::from(SESSIONS.0)])
        }));
    }
    let times = race(&mut contestants, context.length(SESSIONS.1, SESSIONS.1))?;
    drop(contestants);
    let session = session(&folder)?;
    let file = file_of(&session)?;
    session.close();
    check::count(&file, NAME, opened)?;
    if let Some(file) = file_of_go {
        check::count(file.as_ref(), NAME, opened_by_go)?;
    }
    let measure = format!("open and close a session, {}", medium.kind);
    report.add(&measure, &times, 0, "open + close", &[("Go, rotate", "≤ 0.60")]);
    Ok(())
}
