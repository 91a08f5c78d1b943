//! Times tallymark beside bare atomics, other libraries and Go's own code, in one run. It checks that
//! the work was done, never how long it took.
//!
//! `cargo xtask bench` builds and runs it; `docs/performance.md` says what came out.

mod allocations;
mod check;
mod go;
mod machine;
mod measures;
mod memory;
mod race;
mod scratch;
mod table;

use std::path::PathBuf;

use clap::Parser;

use measures::Context;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// What can be asked of the benchmark.
#[derive(Parser)]
struct Options {
    /// Only the measures whose name has this in it.
    #[arg(default_value = "")]
    filter: String,
    /// How long each measure is repeated, at least.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// A folder for scratch files on a disk.
    #[arg(long)]
    disk: PathBuf,
    /// The program that times Go's own code.
    #[arg(long)]
    go: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut go = options.go.as_deref().map(go::Go::start).transpose()?;
    println!("{}", machine::described(go.as_mut())?);
    let context = Context::new(&options.disk, options.seconds, go)?;
    let report = measures::run(&context, &options.filter)?;
    println!("\n{report}");
    Ok(())
}
