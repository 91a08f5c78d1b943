//! The machine code of a cached increment: one load of the target, one locked addition, no call. The
//! check must say no to a function that adds twice, each time it is run.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use xtask::go::workspace;

use crate::command;
use crate::machine_code::{self, Machine};

/// The package with the functions that are looked at.
const MANIFEST: &str = "bench/Cargo.toml";

/// The functions that must pass.
const GOOD: [&str; 2] = ["tallymark_one", "tallymark_some"];

/// The function that must not.
const BAD: &str = "tallymark_twice";

/// The targets, and what is asked of the compiler beyond its usual.
const TARGETS: [(&str, Machine, &str); 2] = [
    ("x86_64-unknown-linux-gnu", Machine::X86, "-Cdebuginfo=0"),
    // Without this each atomic is a call that finds out what the machine can do.
    ("aarch64-unknown-linux-gnu", Machine::Arm, "-Ctarget-feature=+lse"),
];

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    for (target, machine, flag) in TARGETS {
        let code = compiled(target, flag)?;
        for function in GOOD {
            let path = machine_code::fast_path(&code, function, machine)
                .with_context(|| format!("{target}, {function}"))?;
            println!("{target}: {function}: {} instructions to count once", path.len());
            path.iter().for_each(|instruction| println!("    {instruction}"));
        }
        match machine_code::fast_path(&code, BAD, machine) {
            Ok(_) => anyhow::bail!("{target}: the check has passed {BAD}"),
            Err(reason) => println!("{target}: {BAD} is refused, as it must be: {reason}"),
        }
    }
    Ok(())
}

/// The assembly text of the functions for a target.
fn compiled(target: &str, flag: &str) -> Result<String> {
    let folder = workspace().join("target/assembly");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{target}.s"));
    // It is compiled anew if what it depends on has changed; else the file is as it was.
    let build = ["rustc", "--release", "--quiet", "--package", "tallymark-assembly", "--manifest-path"];
    let mut compiler = command::new("cargo", build);
    compiler.args([MANIFEST, "--target", target, "--", flag, "-Ccodegen-units=1"]);
    compiler.arg(format!("--emit=asm={}", file.display()));
    command::run(&mut compiler)?;
    let code = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    ensure!(!code.is_empty(), "{} is empty", file.display());
    Ok(code)
}
