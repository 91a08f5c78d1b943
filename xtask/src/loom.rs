//! The loom models: every execution of a few threads that the memory model allows.

use anyhow::Result;

use crate::command;

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let models = ["loom", "loom_handles", "loom_ring"].into_iter().flat_map(|model| ["--test", model]);
    let mut test = command::new("cargo", ["test", "--release", "-p", "tallymark-tests"]);
    command::run(test.args(models).args(["--", "--nocapture", "--test-threads", "1"]))
}
