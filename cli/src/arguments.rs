//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tallymark::Day;

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
    /// Make the weekly reports of count files whose days are over, and remove these files.
    ///
    /// The report of a week is `local/local.YYYY-MM-DD.json`. Files in use are left for later. Nothing
    /// is ever sent. Exit status 1 if a file is damaged (what can be salvaged is reported), 2 if one
    /// cannot be reported at all.
    Report(ReportArguments),
    /// Remove what is of no use: count files without counts whose days are over, and what processes
    /// left that died while they made a file.
    ///
    /// What holds a count is never removed; damaged files without one are moved aside.
    Clean(CleanArguments),
    /// Show or set whether anything is counted.
    Mode(ModeArguments),
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

/// Which base directory.
#[derive(Debug, Args)]
pub(crate) struct BaseArguments {
    /// The base directory; the files are in its subdirectory `local` [default: $TALLYMARK_DIR, else
    /// `tallymark` in your state directory]
    #[arg(long, value_name = "BASE")]
    pub(crate) dir: Option<PathBuf>,
    /// The base directory of the Go toolchain
    #[arg(long, conflicts_with = "dir")]
    pub(crate) go: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    #[command(flatten)]
    pub(crate) base: BaseArguments,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The day on which this is done [default: today, in UTC]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, hide = true)]
    pub(crate) now: Option<Day>,
}

#[derive(Debug, Args)]
pub(crate) struct CleanArguments {
    #[command(flatten)]
    pub(crate) base: BaseArguments,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The day on which this is done [default: now]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, hide = true)]
    pub(crate) now: Option<Day>,
}

#[derive(Debug, Args)]
pub(crate) struct ModeArguments {
    /// off: nothing is counted; local: counts stay on this machine; on: as local, and in the Go
    /// toolchain's directory that toolchain may upload its reports
    pub(crate) mode: Option<ModeName>,
    #[command(flatten)]
    pub(crate) base: BaseArguments,
    /// The day on which this is done [default: today, in UTC]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, hide = true)]
    pub(crate) now: Option<Day>,
}

/// A mode on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ModeName {
    On,
    Local,
    Off,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "a day is YYYY-MM-DD, from 0001-01-01 to 9999-12-31".to_owned())
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
