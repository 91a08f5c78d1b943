//! `tallymark`: lists, prints, verifies and makes count files.
//!
//! Results go to stdout; errors go to stderr, one line each. Exit status: 0 all is well, 1 damage was
//! found (or a proof failed), 2 misuse or something could not be read or written.

mod arguments;
mod clean;
mod demo;
mod directory;
mod dump;
mod inc;
mod list;
mod mode;
mod output;
mod report;
mod verify;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use output::Verdict;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            output::complain(&usage(&error));
            return Verdict::Failed.into();
        }
    };
    let result = match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Inc(arguments) => inc::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Clean(arguments) => clean::run(&arguments),
        Command::Mode(arguments) => mode::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::DemoWorker(arguments) => demo::work(&arguments),
    };
    match result {
        Ok(verdict) => verdict.into(),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            Verdict::Failed.into()
        }
    }
}

/// What was misused, in one line.
fn usage(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; try `tallymark --help`".to_owned();
    }
    let text = error.render().to_string();
    // The paragraphs after the first are hints and the usage.
    let first = text.split("\n\n").next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}; try `tallymark --help`", line.trim_start_matches("error: "))
}
