//! A counter file whose memory is never given back.

use std::path::PathBuf;
use std::sync::Arc;

use tallymark_core::words::{Count, Outside};
use tallymark_core::{Header, Lasting, Mapped, ReadWords, Slot, Store};

use crate::directory::Directory;
use crate::error::Error;
use crate::mapped_file::MappedFile;

/// A counter file that stays mapped when it is dropped: its descriptor is closed, the file is no
/// longer in use, and what it was reserved for growth is given back. A thread that still holds one of
/// its counts may add to it for ever.
///
/// Address space is all it costs: the length of the file for each week that a process lives.
#[derive(Debug)]
pub struct LastingFile(MappedFile);

impl LastingFile {
    /// As [`MappedFile::open`]. Does not allocate.
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
        let mut file = MappedFile::open_as(directory, name, header, capacity, true)?;
        file.keep_mapped();
        Ok(LastingFile(file))
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
    type Words = Mapped<'static>;
    type Error = Error;

    fn words(&self) -> &Mapped<'static> {
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
        // SAFETY: the memory below its length is never unmapped: `keep_mapped` has been called, and
        // `drop` gives back only what is behind it.
        unsafe { self.0.words().lasting_count(slot.offset()) }
    }
}

impl Drop for LastingFile {
    fn drop(&mut self) {
        let used = self.0.words().length() as usize;
        self.0.keep_guarded(used);
        let memory = self.0.words();
        let page = rustix::param::page_size();
        let used = used.next_multiple_of(page);
        let unused = (memory.capacity() as usize).next_multiple_of(page) - used;
        if unused > 0 {
            let first = memory.base().as_ptr().wrapping_add(used);
            // SAFETY: the mapping reaches from the base to the capacity, nobody else knows of it, and
            // no count lies behind the length, which does not rise any more.
            // An error leaves the range reserved, which harms nobody.
            let _ = unsafe { rustix::mm::munmap(first.cast(), unused) };
        }
    }
}
