//! The core's tests in Miri: undefined behaviour, data races, alignment; on this machine's target, on
//! one with 32-bit pointers and on one with the other byte order; the threaded ones on many schedules.

use std::env;
use std::thread;
use std::time::Instant;

use anyhow::Result;

use crate::command;

/// A target with 32-bit pointers. Miri needs no linker and no emulator for it.
const NARROW: &str = "i686-unknown-linux-gnu";

/// A target whose most significant byte comes first.
const BIG_ENDIAN: &str = "s390x-unknown-linux-gnu";

/// The vectors of the ring, in both layouts.
const RING: &str = "ring::tests::vectors";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The seeds of the schedules for threaded tests.
    #[arg(long, value_name = "FROM..TO", default_value = "0..16")]
    seeds: String,
    /// Run all tests on all targets, not only those that pointer width and byte order can change.
    #[arg(long)]
    all: bool,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let everything = ["--lib", "--test", "golden"];
    let narrow: &[&str] = if options.all { &everything } else { &["--lib", "words", "--", RING, "halves"] };
    let foreign: &[&str] =
        if options.all { &everything } else { &["--lib", "--test", "golden", "order", "--", RING, "halves"] };
    // Side by side: each runs its tests one after the other.
    thread::scope(|scope| {
        let here = scope.spawn(|| miri(&everything, ""));
        let elsewhere = scope.spawn(|| {
            miri(&[&["--target", NARROW], narrow].concat(), "")?;
            miri(&[&["--target", BIG_ENDIAN], foreign].concat(), "")
        });
        [here, elsewhere].into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    miri(&["--lib", "--test", "golden", "threads"], &format!("-Zmiri-many-seeds={}", options.seeds))
}

/// Runs tests of the core with some Miri flags more, and says how long they took.
fn miri(tests: &[&str], flags: &str) -> Result<()> {
    let mut command = command::new("cargo", ["+nightly", "miri", "test", "-p", "tallymark-core"]);
    // proptest asks for the current folder, which isolation denies.
    let flags = format!("{} -Zmiri-disable-isolation {flags}", env::var("MIRIFLAGS").unwrap_or_default());
    let start = Instant::now();
    let command = command.args(tests).env("MIRIFLAGS", flags.trim());
    command::run(command)?;
    println!("{:.0} s: {}", start.elapsed().as_secs_f64(), command::shown(command));
    Ok(())
}
