//! Faults put into the project on purpose: what is to find them has to find each (T60).
//!
//! A mutant is a change of text in a copy of the project.

mod counters;
mod ring;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use xtask::go::workspace;

use crate::command;

/// What can be asked of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the mutants with this in their name, their file's or that of what has to find them.
    #[arg(default_value = "")]
    part: String,
}

struct Mutant {
    name: &'static str,
    file: &'static str,
    /// Stands in the file exactly once.
    old: &'static str,
    new: &'static str,
}

/// What has to find a mutant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detector {
    /// The simulator, on this part of its scenarios, at small bounds.
    Simulator(&'static [&'static str]),
    /// The core's unit tests whose path begins like this.
    Tests(&'static str),
}

type List = (Detector, &'static [Mutant]);

/// Each list with what finds its mutants: those of one lane one after the other, the lanes side by side.
const LANES: [&[List]; 2] = [
    &[
        (Detector::Simulator(&["table", "handles"]), counters::MUTANTS),
        (Detector::Tests("ring::"), ring::OF_THE_TESTS),
    ],
    &[(Detector::Simulator(&["ring"]), ring::OF_THE_SIMULATOR)],
];

/// Runs the task.
pub(crate) fn run(options: &Options) -> Result<()> {
    let lanes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = LANES
            .iter()
            .enumerate()
            .map(|(number, lane)| scope.spawn(move || run_lane(number, lane, &options.part)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (mut caught, mut missed) = (0, Vec::new());
    for lane in lanes {
        let (caught_there, missed_there) = lane?;
        caught += caught_there;
        missed.extend(missed_there);
    }
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    ensure!(caught > 0, "there is no such mutant");
    println!("{caught} mutants, all caught");
    Ok(())
}

/// Runs the mutants of a lane with this in their name: how many were caught, and which were not.
fn run_lane(number: usize, lane: &[List], part: &str) -> Result<(u32, Vec<&'static str>)> {
    let root = workspace().join("target/mutants");
    let copy = Copy { tree: root.join(format!("tree{number}")), build: root.join(format!("build{number}")) };
    let _ = fs::remove_dir_all(&copy.tree);
    copy_project(&copy.tree)?;
    keep_only_the_simulator(&copy.tree.join("tests"))?;
    let (mut caught, mut missed) = (0, Vec::new());
    for &(detector, mutants) in lane {
        let is_wanted = |mutant: &&Mutant| {
            [mutant.name, mutant.file, &detector.name()].iter().any(|name| name.contains(part))
        };
        let mutants: Vec<_> = mutants.iter().filter(is_wanted).collect();
        if mutants.is_empty() {
            continue;
        }
        let start = Instant::now();
        // The original must pass, or a caught mutant means nothing.
        let fault = copy.look(detector)?;
        ensure!(fault.is_none(), "{} finds fault with the original: {fault:?}", detector.name());
        for mutant in &mutants {
            let path = copy.tree.join(mutant.file);
            let original = fs::read_to_string(&path)?;
            let places = original.matches(mutant.old).count();
            ensure!(places == 1, "mutant '{}': its text is in {} {places} times", mutant.name, mutant.file);
            fs::write(&path, original.replace(mutant.old, mutant.new))?;
            let found = copy.look(detector).with_context(|| format!("mutant '{}'", mutant.name))?;
            fs::write(&path, original)?;
            match found {
                Some(fault) => {
                    caught += 1;
                    println!("caught by {:<12} {:<56}  {fault}", detector.name(), mutant.name);
                }
                None => {
                    println!("MISSED by {:<12} {}", detector.name(), mutant.name);
                    missed.push(mutant.name);
                }
            }
        }
        println!("{} mutants of {}: {} s", mutants.len(), detector.name(), start.elapsed().as_secs());
    }
    Ok((caught, missed))
}

/// Copies every file that git knows or would add.
fn copy_project(to: &Path) -> Result<()> {
    let listing = ["ls-files", "--cached", "--others", "--exclude-standard"];
    for file in command::text(&mut command::new("git", listing))?.lines() {
        let (from, to) = (workspace().join(file), to.join(file));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(Path::new(".")))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Takes everything else out of a copy of the test package: it is compiled for every mutant.
fn keep_only_the_simulator(package: &Path) -> Result<()> {
    let manifest = fs::read_to_string(package.join("Cargo.toml"))?;
    let (head, _) = manifest.split_once("[dependencies]").context("the test package depends on nothing")?;
    fs::write(
        package.join("Cargo.toml"),
        format!("{head}[dependencies]\ntallymark-core.workspace = true\n"),
    )?;
    fs::write(package.join("src/lib.rs"), "pub mod sim;\n")?;
    Ok(())
}

impl Detector {
    fn name(self) -> String {
        match self {
            Detector::Simulator(parts) => format!("sim {}", parts.join(" ")),
            Detector::Tests(prefix) => format!("tests {prefix}"),
        }
    }
}

/// A copy of the project, and where it is built.
struct Copy {
    tree: PathBuf,
    build: PathBuf,
}

impl Copy {
    /// The fault that the detector finds, if any.
    fn look(&self, detector: Detector) -> Result<Option<String>> {
        match detector {
            Detector::Simulator(parts) => self.simulate(parts),
            Detector::Tests(prefix) => self.test(prefix),
        }
    }

    fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut cargo = command::new("cargo", arguments);
        // Mutants leave unused code behind.
        cargo.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.build).env("RUSTFLAGS", "-Awarnings");
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo
    }

    fn simulate(&self, parts: &[&str]) -> Result<Option<String>> {
        let arguments = ["build", "-q", "--release", "-p", "tallymark-tests", "--bin", "sim"];
        ensure!(self.cargo(arguments).status()?.success(), "it does not compile");
        let output = command::new(self.build.join("release/sim"), parts).arg("--small").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            return Ok(None);
        }
        let violation = said.lines().find(|line| line.starts_with("VIOLATION"));
        // A simulator that fails in another way has not caught anything.
        let violation = violation.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Some(violation.trim_start_matches("VIOLATION in ").to_owned()))
    }

    fn test(&self, prefix: &str) -> Result<Option<String>> {
        let arguments = ["test", "-q", "-p", "tallymark-core", "--lib"];
        ensure!(self.cargo(arguments).arg("--no-run").status()?.success(), "it does not compile");
        let output = self.cargo(arguments).arg(prefix).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            return Ok(None);
        }
        let failed = said.lines().find_map(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----"));
        let failed = failed.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Some(failed.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_has_no_place_or_two_or_changes_nothing() {
        for Mutant { name, file, old, new } in LANES.concat().iter().flat_map(|(_, mutants)| *mutants) {
            let text = fs::read_to_string(workspace().join(file)).unwrap();
            assert_eq!(text.matches(old).count(), 1, "{name}");
            assert_ne!(old, new, "{name}");
        }
    }
}
