//! `tallymark mode`: shows or sets whether anything is counted.

use anyhow::Context;
use tallymark::{Day, MODE_VARIABLE, Mode, UnixTime};

use crate::arguments::{ModeArguments, ModeName};
use crate::directory;
use crate::output::{self, Verdict};

pub(crate) fn run(arguments: &ModeArguments) -> anyhow::Result<Verdict> {
    let (dir, go) = (arguments.base.dir.as_deref(), arguments.base.go);
    let base = match arguments.mode {
        None => directory::existing(dir, go)?,
        Some(name) => {
            let base = directory::chosen(dir, go)?;
            base.set_mode(mode(name), today(arguments.now)?)?;
            base
        }
    };
    let file = base.mode_in_file()?;
    output::print(&match Mode::of_environment() {
        Some(mode) => format!("{mode}, as ${MODE_VARIABLE} says; the file says {file}\n"),
        None => format!("{file}\n"),
    })?;
    Ok(Verdict::Good)
}

/// The day given on the command line, or today.
pub(crate) fn today(now: Option<Day>) -> anyhow::Result<Day> {
    now.or_else(|| Day::from_unix(UnixTime::now().0))
        .context("the clock is outside the years 1 to 9999; set it right")
}

fn mode(name: ModeName) -> Mode {
    match name {
        ModeName::On => Mode::On,
        ModeName::Local => Mode::Local,
        ModeName::Off => Mode::Off,
    }
}
