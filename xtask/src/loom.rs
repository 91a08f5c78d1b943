//! The loom models: every execution of a few threads that the memory model allows.

use anyhow::Result;

use crate::command;

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the models whose name contains this.
    filter: Option<String>,
    /// How many times a thread may be interrupted, where a model does not say; any number of times
    /// without it.
    #[arg(long, value_name = "N")]
    preemptions: Option<u32>,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let models = ["test", "--release", "--package", "tallymark-tests", "--test", "loom", "--"];
    let mut loom = command::new("cargo", models);
    loom.args(&options.filter);
    if let Some(preemptions) = options.preemptions {
        loom.env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
    }
    command::run(&mut loom)
}
