//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Event counters in small memory-mapped files that many processes share, Go's toolchain among them.
#[derive(Debug, Parser)]
#[command(name = "tallymark", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the count files of a directory: program, span of days, counters, total, size.
    List(ListArguments),
    /// Print what count files hold: metadata, counters, stack counters, and any faults.
    Dump(FilesArguments),
    /// Check count files and name every fault: offset, value found, rule broken.
    ///
    /// What crashes and lost races leave behind is counted, not called damage. Files that are being
    /// counted into are fine. Exit status 1 if a file is damaged, 2 if one is no count file.
    Verify(FilesArguments),
    /// Count from a shell script.
    Inc(IncArguments),
    /// See it work: processes count into one file, one is killed, and not one count is lost.
    Demo(DemoArguments),
    #[command(hide = true)]
    DemoWorker(WorkerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The base directory; the files are in its subdirectory `local` [default: $TALLYMARK_DIR, else
    /// `tallymark` in your state directory]
    #[arg(long, value_name = "BASE")]
    pub(crate) dir: Option<PathBuf>,
    /// The base directory of the Go toolchain
    #[arg(long, conflicts_with = "dir")]
    pub(crate) go: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FilesArguments {
    /// Count files, such as `tool@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count`
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IncArguments {
    /// What to count: a name counts 1, `NAME=N` counts N (to count a name that ends in `=5`, say
    /// `NAME=5=1`)
    #[arg(required = true, value_name = "NAME[=N]")]
    pub(crate) counts: Vec<String>,
    /// The base directory; the file is in its subdirectory `local` [default: $TALLYMARK_DIR, else
    /// `tallymark` in your state directory]
    #[arg(long, value_name = "BASE")]
    pub(crate) dir: Option<PathBuf>,
    /// Path of the program that counts; its last element starts the file's name
    #[arg(long, default_value = "shell", value_name = "P")]
    pub(crate) program: String,
    /// Version of the program
    #[arg(long, default_value = "", value_name = "V")]
    pub(crate) program_version: String,
    /// Version of the toolchain that built the program
    #[arg(long, default_value = "none", value_name = "T")]
    pub(crate) toolchain: String,
    /// Operating system, by Go's names [default: this one]
    #[arg(long, value_name = "O")]
    pub(crate) os: Option<String>,
    /// Architecture, by Go's names [default: this one]
    #[arg(long, value_name = "A")]
    pub(crate) arch: Option<String>,
    /// The moment of the count, such as 2026-01-05T12:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How long to count, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// Processes that count
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) processes: u32,
    /// Threads in each process
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: u32,
    /// How many times a process is killed; each but the last is started again
    #[arg(long, default_value_t = 1)]
    pub(crate) kills: u32,
    /// Rounds of shared counts between two new names: fewer make the file grow faster
    #[arg(long, default_value_t = 500, hide = true)]
    pub(crate) rounds: u32,
    /// Where to count; kept [default: a new directory for temporary files]
    #[arg(long, value_name = "BASE")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArguments {
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[arg(long)]
    pub(crate) ledger: PathBuf,
    #[arg(long)]
    pub(crate) process: u32,
    #[arg(long)]
    pub(crate) processes: u32,
    #[arg(long)]
    pub(crate) threads: u32,
    #[arg(long)]
    pub(crate) now: i64,
    #[arg(long)]
    pub(crate) rounds: u32,
    #[arg(long)]
    pub(crate) deadline_seconds: u64,
}
