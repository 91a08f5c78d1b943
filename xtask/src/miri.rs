//! The core's unit tests in Miri: undefined behaviour, data races, alignment; on this machine's target,
//! on one with 32-bit pointers and on one with the other byte order.

use std::env;

use anyhow::Result;

use crate::command;

/// The targets besides the one this runs on. Miri needs no linker and no emulator for them.
const TARGETS: [&str; 2] = ["i686-unknown-linux-gnu", "s390x-unknown-linux-gnu"];

/// How many cases proptest tries where a test does not say: Miri is some hundred times slower.
const PROPTEST_CASES: &str = "16";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the tests whose name contains this, and those with many schedules each.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// The seeds that make these schedules.
    #[arg(long, value_name = "FROM..TO", default_value = "0..16", requires = "filter")]
    seeds: String,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    on_target(None, options)?;
    TARGETS.into_iter().try_for_each(|target| on_target(Some(target), options))
}

/// Runs the tests on one target.
fn on_target(target: Option<&str>, options: &Options) -> Result<()> {
    let mut miri =
        command::new("cargo", ["+nightly", "miri", "test", "--package", "tallymark-core", "--lib"]);
    if let Some(target) = target {
        miri.args(["--target", target]);
    }
    // proptest asks for the current folder and for its variables, which isolation denies.
    let mut flags = env::var("MIRIFLAGS").unwrap_or_default() + " -Zmiri-disable-isolation";
    if let Some(filter) = &options.filter {
        flags += &format!(" -Zmiri-many-seeds={}", options.seeds);
        miri.args(["--", filter]);
    }
    command::run(miri.env("MIRIFLAGS", flags.trim_start()).env("PROPTEST_CASES", PROPTEST_CASES))
}
