//! The benchmark: builds `bench/`, which is outside the workspace, and runs it; where Go is installed,
//! beside Go's own code in the same run. Nothing depends on how long anything took.

use anyhow::Result;
use xtask::go;

use crate::command;

/// The benchmark's package.
const MANIFEST: &str = "bench/Cargo.toml";

/// Where it puts files that are to be on a disk.
const DISK: &str = "target/bench";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the measures whose name has this in it.
    filter: Option<String>,
    /// How long each measure is repeated, at least.
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    seconds: f64,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let build = ["run", "--quiet", "--release", "--package", "tallymark-bench", "--manifest-path"];
    let mut bench = command::new("cargo", build);
    bench.args([MANIFEST, "--", "--seconds", &options.seconds.to_string()]);
    bench.arg("--disk").arg(go::workspace().join(DISK));
    if let Some(program) = go::bench()? {
        bench.arg("--go").arg(program);
    }
    bench.args(&options.filter);
    command::quietly(&mut bench)
}
