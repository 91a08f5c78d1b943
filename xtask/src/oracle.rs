//! Builds the oracle against Go's own telemetry code. Without arguments it then checks that the
//! committed test data is what Go says it is; with arguments it hands them on to the oracle.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xtask::go;

use crate::command;

/// The count files that Go made; the oracle's reading of them is beside them.
const GO_FILES: &str = "tests/data/go";

/// The two golden files, each in a folder of its own.
const GOLDEN_FILES: &str = "tests/data/golden";

/// The script that makes the golden files.
const GOLDEN_SCRIPT: &str = "tests/go/golden.jsonl";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to ask the oracle (see tests/go/README.md); without it, the test data is checked.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    question: Vec<OsString>,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let oracle = go::oracle()?.context("Go is not installed: `cargo xtask setup` installs it")?;
    if options.question.is_empty() {
        check_reading(&oracle)?;
        return check_golden(&oracle);
    }
    // Its output is an answer, so nothing is added to it, and files are named from where the user is.
    let mut asked = command::new(&oracle, &options.question);
    let status = asked.current_dir(std::env::current_dir()?).status()?;
    std::process::exit(status.code().unwrap_or(1))
}

/// What Go reads in the committed count files is what is written down beside them.
fn check_reading(oracle: &Path) -> Result<()> {
    let folder = go::workspace().join(GO_FILES);
    let files = count_files(&folder)?;
    let reading = command::output(command::new(oracle, ["read"]).args(&files).current_dir(&folder))?;
    ensure!(reading == fs::read(folder.join("expected.json"))?, "{GO_FILES}: Go reads something else");
    println!("{GO_FILES}: {} files read as expected", files.len());
    Ok(())
}

/// Go makes the golden files anew, byte for byte.
fn check_golden(oracle: &Path) -> Result<()> {
    let scratch = go::workspace().join(format!("target/oracle/golden-{}", std::process::id()));
    for folder in ["empty", "four"] {
        fs::create_dir_all(scratch.join(folder))?;
    }
    let script = File::open(go::workspace().join(GOLDEN_SCRIPT))?;
    command::output(command::new(oracle, ["script"]).stdin(script).current_dir(&scratch))?;
    for folder in ["empty", "four"] {
        let committed = go::workspace().join(GOLDEN_FILES).join(folder);
        for file in count_files(&committed)? {
            let same = fs::read(committed.join(&file))? == fs::read(scratch.join(folder).join(&file))?;
            ensure!(same, "{GOLDEN_FILES}/{folder}: Go makes other bytes");
        }
    }
    fs::remove_dir_all(scratch)?;
    println!("{GOLDEN_FILES}: Go makes the same bytes");
    Ok(())
}

/// The names of the count files in a folder, sorted. A folder without any is a fault.
fn count_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = PathBuf::from(entry?.file_name());
        files
            .extend(Some(name).filter(|name| name.extension().is_some_and(|extension| extension == "count")));
    }
    ensure!(!files.is_empty(), "no count file in {}", folder.display());
    files.sort();
    Ok(files)
}
