//! A counter file whose memory is never given back.

use std::path::PathBuf;
use std::sync::Arc;

use tallymark_core::words::{Count, Outside};
use tallymark_core::{Header, Lasting, Slot, Store};

use crate::chunks::ChunkedMemory;
use crate::directory::Directory;
use crate::error::Error;
use crate::mapped_file::MappedFile;

/// A counter file that stays open and mapped when it is dropped. A thread that still holds one of its
/// counts may add to it for ever.
///
/// Windows removes no file that is mapped, so the files of former weeks stay until the process ends.
#[derive(Debug)]
pub struct LastingFile(&'static MappedFile);

impl LastingFile {
    /// As [`MappedFile::open`].
    ///
    /// # Errors
    ///
    /// As [`MappedFile::open`].
    pub fn open(
        directory: &Arc<Directory>,
        name: &str,
        header: &Header,
        capacity: u32,
    ) -> Result<Self, Error> {
        let file = MappedFile::open(directory, name, header, capacity)?;
        Ok(LastingFile(Box::leak(Box::new(file))))
    }

    /// As [`MappedFile::path`].
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// As [`MappedFile::check`].
    ///
    /// # Errors
    ///
    /// As [`MappedFile::check`].
    pub fn check(&self) -> Result<(), Error> {
        self.0.check()
    }
}

impl Store for LastingFile {
    type Words = ChunkedMemory;
    type Error = Error;

    fn words(&self) -> &ChunkedMemory {
        self.0.words()
    }

    fn grow(&self, to: u32) -> Result<(), Error> {
        self.0.grow(to)
    }

    fn remap(&self) -> Result<(), Error> {
        self.0.remap()
    }
}

impl Lasting for LastingFile {
    fn count(&self, slot: Slot) -> Result<&'static Count, Outside> {
        self.0.words().count(slot.offset())
    }
}
