//! The loom models: every execution of a few threads that the memory model allows.

use anyhow::Result;

use crate::command;

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let test =
        ["test", "--release", "-p", "tallymark-tests", "--test", "loom", "--test", "loom_handles", "--"];
    command::run(command::new("cargo", test).args(["--nocapture", "--test-threads", "1"]))
}
