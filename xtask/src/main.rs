//! `cargo xtask TASK`: the project's checks that need more than `cargo test`, and the set-up of the
//! tools they need. Each task is one file; each ends with a failure when any part of it cannot run.

#![forbid(unsafe_code)]

mod assembly;
mod bench;
mod command;
mod cross;
mod disk;
mod fuzz;
mod live;
mod loom;
mod machine_code;
mod miri;
mod msrv;
mod mutants;
mod oracle;
mod setup;
mod sim;
mod storm;
mod tidy;

use clap::Parser;

/// Sets up tools and runs the checks that `cargo test` does not.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    /// Install what the tasks below need, skipping what is there already.
    Setup,
    /// Build the oracle against Go's own telemetry code, then check the test data with it or ask it.
    Oracle(oracle::Options),
    /// Run the tests beside Go's own code, in full.
    Go,
    /// Run the tests of full disks on small file systems (needs root).
    Disk,
    /// Kill many processes that count, and prove that no count was lost.
    Storm(storm::Options),
    /// Check that the oldest supported Rust accepts everything.
    Msrv,
    /// Check that every supported target compiles.
    Cross,
    /// Run the core's unit tests in Miri, on three targets.
    Miri(miri::Options),
    /// Run the protocol simulator.
    Sim(sim::Options),
    /// Put faults into the protocols and demand that the simulator, or a unit test, finds each.
    Mutants(mutants::Options),
    /// Run the loom models.
    Loom,
    /// Run each fuzz target for a while, starting from the committed inputs.
    Fuzz(fuzz::Options),
    /// Time the project beside bare atomics, other libraries and Go.
    Bench(bench::Options),
    /// Check the machine code of a cached increment.
    Assembly,
    /// Check what no compiler checks: file lengths, SAFETY and ORDER comments, machine paths.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Setup => setup::run(),
        Task::Oracle(options) => oracle::run(&options),
        Task::Go => live::run(),
        Task::Disk => disk::run(),
        Task::Storm(options) => storm::run(&options),
        Task::Msrv => msrv::run(),
        Task::Cross => cross::run(),
        Task::Miri(options) => miri::run(&options),
        Task::Sim(options) => sim::run(&options),
        Task::Mutants(options) => mutants::run(&options),
        Task::Loom => loom::run(),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Assembly => assembly::run(),
        Task::Tidy => tidy::run(),
    }
}
