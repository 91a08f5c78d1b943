//! The core's tests in Miri: undefined behaviour, data races, alignment; on this machine's target, on
//! one with 32-bit pointers and on one with the other byte order; the threaded ones on many schedules.

use std::env;

use anyhow::Result;

use crate::command;

/// The targets besides the one this runs on. Miri needs no linker and no emulator for them.
const TARGETS: [&str; 2] = ["i686-unknown-linux-gnu", "s390x-unknown-linux-gnu"];

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The seeds of the schedules for threaded tests.
    #[arg(long, value_name = "FROM..TO", default_value = "0..16")]
    seeds: String,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    miri(&[], "")?;
    for target in TARGETS {
        miri(&["--target", target], "")?;
    }
    miri(&["--", "threads"], &format!("-Zmiri-many-seeds={}", options.seeds))
}

/// Runs the tests with some arguments and Miri flags more.
fn miri(arguments: &[&str], flags: &str) -> Result<()> {
    let test = ["+nightly", "miri", "test", "-p", "tallymark-core", "--lib", "--test", "golden"];
    let mut command = command::new("cargo", test);
    // proptest asks for the current folder, which isolation denies.
    let flags = format!("{} -Zmiri-disable-isolation {flags}", env::var("MIRIFLAGS").unwrap_or_default());
    command::run(command.args(arguments).env("MIRIFLAGS", flags.trim()))
}
