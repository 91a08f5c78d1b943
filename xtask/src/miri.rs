//! The core's tests in Miri: undefined behaviour, data races, alignment; on this machine's target, on
//! one with 32-bit pointers and on one with the other byte order; the threaded ones on many schedules.

use std::env;
use std::time::Instant;

use anyhow::Result;

use crate::command;

/// A target with 32-bit pointers. Miri needs no linker and no emulator for it.
const NARROW: &str = "i686-unknown-linux-gnu";

/// A target whose most significant byte comes first.
const BIG_ENDIAN: &str = "s390x-unknown-linux-gnu";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The seeds of the schedules for threaded tests.
    #[arg(long, value_name = "FROM..TO", default_value = "0..16")]
    seeds: String,
    /// Leave out the target with 32-bit pointers.
    #[arg(long)]
    quick: bool,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    miri(&[], "")?;
    for target in [NARROW, BIG_ENDIAN] {
        if !(options.quick && target == NARROW) {
            miri(&["--target", target], "")?;
        }
    }
    miri(&["--", "threads"], &format!("-Zmiri-many-seeds={}", options.seeds))
}

/// Runs the tests with some arguments and Miri flags more, and says how long they took.
fn miri(arguments: &[&str], flags: &str) -> Result<()> {
    let test = ["+nightly", "miri", "test", "-p", "tallymark-core", "--lib", "--test", "golden"];
    let mut command = command::new("cargo", test);
    // proptest asks for the current folder, which isolation denies.
    let flags = format!("{} -Zmiri-disable-isolation {flags}", env::var("MIRIFLAGS").unwrap_or_default());
    let start = Instant::now();
    let command = command.args(arguments).env("MIRIFLAGS", flags.trim());
    command::run(command)?;
    println!("{:.0} s: {}", start.elapsed().as_secs_f64(), command::shown(command));
    Ok(())
}
