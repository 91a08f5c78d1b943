//! Folders for the files of a run, in memory and on a disk. They are removed at the end.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::machine;

/// Where Linux has a file system in memory.
const SHARED_MEMORY: &str = "/dev/shm";

/// A folder on a file system of some kind.
#[derive(Debug)]
pub(crate) struct Scratch {
    root: PathBuf,
    /// What kind of file system it is on.
    pub(crate) kind: &'static str,
    made: Cell<u32>,
}

impl Scratch {
    /// A folder in memory; in the usual place of such, if there is no file system in memory.
    pub(crate) fn in_memory() -> Result<Self> {
        let memory = Path::new(SHARED_MEMORY);
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Scratch::at(root.join(format!("tallymark-bench-{}", std::process::id())))
    }

    /// A folder on a disk.
    pub(crate) fn on_disk(root: &Path) -> Result<Self> {
        Scratch::at(root.join(std::process::id().to_string()))
    }

    fn at(root: PathBuf) -> Result<Self> {
        fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
        let kind = machine::file_system(&root)?;
        Ok(Scratch { root, kind, made: Cell::new(0) })
    }

    /// A new folder in it.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        self.made.set(self.made.get() + 1);
        let folder = self.root.join(self.made.get().to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
