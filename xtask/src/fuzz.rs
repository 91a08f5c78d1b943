//! The fuzz targets, each for a while, starting from the committed inputs. New inputs are kept under
//! `target/`, so that the checkout stays clean; `fuzz/artifacts` gets the input of a crash.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use xtask::go::workspace;

use crate::command;

/// Where the fuzz targets are, one file each.
const TARGETS: &str = "fuzz/fuzz_targets";

/// How libFuzzer's closing statistics name the number of inputs it tried.
const EXECUTIONS: &str = "stat::number_of_executed_units:";

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long to run each target.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Run only this target.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Where the fuzzer's random numbers begin, so that a run can be repeated; 0 is somewhere new.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u32,
}

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut chosen = targets()?;
    if let Some(wanted) = &options.target {
        ensure!(chosen.contains(wanted), "the fuzz targets are {}", chosen.join(", "));
        chosen.retain(|target| target == wanted);
    }
    let mut totals = Vec::new();
    for target in &chosen {
        totals.push((target, run_target(target, options)?));
    }
    for (target, executions) in totals {
        println!("fuzz {target}: {executions} executions, no crash");
    }
    Ok(())
}

/// The names of all fuzz targets, sorted. None at all is a fault.
fn targets() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in fs::read_dir(workspace().join(TARGETS)).with_context(|| format!("no folder {TARGETS}"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    ensure!(!found.is_empty(), "no fuzz target in {TARGETS}");
    found.sort();
    Ok(found)
}

/// Runs one target and returns how many inputs it tried.
fn run_target(target: &str, options: &Options) -> Result<u64> {
    let Options { seconds, seed, .. } = options;
    let inputs = Path::new("target/fuzz-corpus").join(target);
    copy_inputs(&workspace().join("fuzz/corpus").join(target), &workspace().join(&inputs))?;
    let mut fuzzer = command::new("cargo", ["+nightly", "fuzz", "run", target]);
    fuzzer.arg(inputs).args([
        "--",
        &format!("-max_total_time={seconds}"),
        &format!("-seed={seed}"),
        "-print_final_stats=1",
    ]);
    watch(&mut fuzzer)
}

/// Adds the committed inputs of a target to those found in earlier runs.
fn copy_inputs(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for input in fs::read_dir(from).with_context(|| format!("no inputs in {}", from.display()))? {
        let input = input?;
        fs::copy(input.path(), to.join(input.file_name()))?;
    }
    Ok(())
}

/// Runs a fuzzer, shows what it reports, and returns the number of executions in that.
fn watch(fuzzer: &mut Command) -> Result<u64> {
    let shown = command::shown(fuzzer);
    println!("$ {shown}");
    let mut child =
        fuzzer.stderr(Stdio::piped()).spawn().with_context(|| format!("`{shown}` does not start"))?;
    let reports = child.stderr.take().context("the fuzzer's reports are piped")?;
    let mut executions = None;
    for line in BufReader::new(reports).split(b'\n') {
        let line = line?;
        std::io::stderr().write_all(&[&line[..], b"\n"].concat())?;
        if let Some(count) = String::from_utf8_lossy(&line).strip_prefix(EXECUTIONS) {
            executions = Some(count.trim().parse()?);
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{shown}` failed: {status}");
    executions.with_context(|| format!("`{shown}` did not say how many inputs it tried"))
}
