//! Pages with bare atomics, the measure of all increments: of no file, and of a file.

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use memmap2::{MmapOptions, MmapRaw};

/// Bytes of a page of the count file's format.
const LENGTH: usize = 16384;

/// Where the atomic is: where the first record of a small file is, on its own line.
const OFFSET: usize = 2304;

/// A page with one bare atomic.
#[derive(Debug)]
pub(crate) struct Page {
    mapping: MmapRaw,
}

impl Page {
    /// A page of memory.
    pub(crate) fn anonymous() -> Result<Self> {
        Ok(Page { mapping: MmapOptions::new().len(LENGTH).map_anon()?.into() })
    }

    /// A page of a new file.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        std::fs::write(path, [0; LENGTH])?;
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Page { mapping: MmapOptions::new().len(LENGTH).map_raw(&file)? })
    }

    /// The atomic.
    pub(crate) fn atomic(&self) -> Result<&AtomicU64> {
        let pointer = NonNull::new(self.mapping.as_mut_ptr()).context("a mapping has an address")?;
        // SAFETY: the mapping is longer than this.
        let pointer = unsafe { pointer.add(OFFSET) };
        // SAFETY: 8 bytes, aligned because the mapping and the offset are, touched by atomics only,
        // as long as the mapping lives.
        Ok(unsafe { pointer.cast().as_ref() })
    }

    /// The count.
    pub(crate) fn value(&self) -> Result<u64> {
        Ok(self.atomic()?.load(Ordering::Relaxed))
    }
}
