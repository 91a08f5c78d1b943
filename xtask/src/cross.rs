//! Every supported target compiles. This says nothing about how it behaves there: other tasks run it.

use anyhow::Result;

use crate::command;

/// The package that pulls in all others a target with an operating system has.
const EVERYTHING: &str = "tallymark-cli";

/// The package that needs no operating system.
const CORE: &str = "tallymark-core";

/// The targets beyond the one this runs on, and the package each is checked with.
pub(crate) const TARGETS: [(&str, &str); 7] = [
    ("i686-unknown-linux-gnu", EVERYTHING),
    ("aarch64-unknown-linux-gnu", EVERYTHING),
    ("x86_64-apple-darwin", EVERYTHING),
    ("aarch64-apple-darwin", EVERYTHING),
    ("x86_64-unknown-freebsd", EVERYTHING),
    ("x86_64-pc-windows-gnu", EVERYTHING),
    ("thumbv7m-none-eabi", CORE),
];

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    command::run(&mut command::new("cargo", ["check", "--package", EVERYTHING]))?;
    for (target, package) in TARGETS {
        command::run(&mut command::new("cargo", ["check", "--package", package, "--target", target]))?;
    }
    Ok(())
}
