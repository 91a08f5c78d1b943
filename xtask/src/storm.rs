//! A storm of kills: the demo, which proves from the file that no count was lost, with many kills, on a
//! new file each time so that kills hit the start of files as well as their growth.

use std::fs;

use anyhow::Result;
use xtask::go::workspace;

use crate::command;

/// Kills in one run of the demo.
const KILLS_A_RUN: u32 = 250;

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many processes are killed, rounded up to a multiple of 250.
    #[arg(long, default_value_t = 5_000)]
    kills: u32,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace().join(format!("target/storm-{}", std::process::id()));
    let runs = options.kills.div_ceil(KILLS_A_RUN);
    for run in 0..runs {
        let base = root.join(run.to_string());
        let kills = KILLS_A_RUN.to_string();
        // Few rounds between new names: every third kill or so hits an insertion.
        let demo =
            ["run", "-q", "--release", "-p", "tallymark-cli", "--", "demo", "--seconds", "1", "--kills"];
        let shape = ["--processes", "2", "--threads", "1", "--rounds", "5", "--dir"];
        let mut command = command::new("cargo", demo);
        let output = command::text(command.arg(&kills).args(shape).arg(&base));
        if let Err(error) = output {
            println!("the files are kept in {}", base.display());
            return Err(error);
        }
        fs::remove_dir_all(&base)?;
    }
    fs::remove_dir_all(&root)?;
    println!("{} kills, no acknowledged count lost, none invented", runs * KILLS_A_RUN);
    Ok(())
}
