//! The protocol simulator: every schedule of a few processes, with a crash before every step.

use anyhow::Result;

use crate::command;

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to hand on to the simulator; `--help` is its own.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let simulator = ["run", "--release", "--package", "tallymark-tests", "--bin", "sim", "--"];
    command::run(command::new("cargo", simulator).args(&options.arguments))
}
