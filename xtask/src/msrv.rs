//! The oldest supported Rust accepts every package and every test.

use anyhow::Result;

use crate::command;

/// The oldest supported Rust. `rust-version` in the workspace's manifest says the same.
pub(crate) const OLDEST: &str = "1.88.0";

/// Runs the task.
pub(crate) fn run() -> Result<()> {
    let toolchain = format!("+{OLDEST}");
    command::run(&mut command::new("cargo", [&toolchain, "check", "--workspace", "--all-targets"]))
}
