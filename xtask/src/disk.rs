//! Runs the tests of full disks on small file systems of their own: tmpfs, and ext4 in a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xtask::go::workspace;

use crate::command;

/// Runs the task. Mounting needs root.
pub(crate) fn run() -> Result<()> {
    let root = workspace().join(format!("target/disk-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    let done = on_tmpfs(&root).and_then(|()| on_ext4(&root));
    fs::remove_dir_all(&root)?;
    done
}

fn on_tmpfs(root: &Path) -> Result<()> {
    let place = root.join("tmpfs");
    fs::create_dir(&place)?;
    command::run(command::new("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&place))?;
    test(Mounted(place))
}

fn on_ext4(root: &Path) -> Result<()> {
    let (image, place) = (root.join("ext4.image"), root.join("ext4"));
    fs::create_dir(&place)?;
    File::create(&image)?.set_len(4 << 20)?;
    command::run(command::new("mkfs.ext4", ["-q", "-m", "0"]).arg(&image))?;
    command::run(command::new("mount", ["-o", "loop"]).arg(&image).arg(&place))?;
    test(Mounted(place))
}

/// A mounted file system; unmounted when dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // What stays mounted is seen: its directory cannot be removed.
        let _ = command::run(command::new("umount", [&self.0]).current_dir("/"));
    }
}

fn test(small: Mounted) -> Result<()> {
    ensure!(small.0.is_dir(), "{} is not mounted", small.0.display());
    let test =
        ["test", "-q", "-p", "tallymark-tests", "--test", "disk", "--", "--ignored", "--test-threads", "1"];
    command::run(command::new("cargo", test).env("TALLYMARK_SMALL_DISK", &small.0))
}
