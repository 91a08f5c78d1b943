//! Runs the tests beside Go's own code, in full, and fails if Go is not there.

use anyhow::Result;

use crate::command;

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let test = ["test", "--release", "-p", "tallymark-tests", "--test", "go", "--test", "go_ring"];
    command::run(command::new("cargo", test).env("TALLYMARK_REQUIRE_GO", "1"))
}
