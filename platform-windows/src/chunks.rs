//! A file mapped in chunks: words at offsets of the file, wherever their chunk is in memory.
//!
//! No record of the format crosses a page of 16 KiB, so none crosses a chunk of 64 KiB (the smallest
//! step between views that Windows allows).

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use tallymark_core::{Mapped, Outside, ReadWords, Words};

const CHUNK: u32 = 64 * 1024;

/// Words over the views of a file.
///
/// Invariants: (C1) a chunk's pointer is null or leads to a [`View`] that lives as long as `self`;
/// (C2) the chunks below `length` are mapped up to `length`, which only rises.
#[derive(Debug)]
pub struct ChunkedMemory {
    chunks: Box<[AtomicPtr<View>]>,
    length: AtomicU32,
}

/// A view of one chunk, and the shorter view that it has replaced.
#[derive(Debug)]
struct View {
    memory: Mapped<'static>,
    older: *mut View,
    // Dropped after `memory`.
    _mapping: MmapRaw,
}

impl ChunkedMemory {
    /// No view yet, with room for `capacity` bytes.
    pub(crate) fn new(capacity: u32) -> Self {
        let chunks = (0..capacity.div_ceil(CHUNK)).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        ChunkedMemory { chunks, length: AtomicU32::new(0) }
    }

    /// Bytes there is room for.
    pub(crate) fn capacity(&self) -> u32 {
        self.chunks.len() as u32 * CHUNK
    }

    /// Maps the file up to `length` bytes; it is that long already. One thread at a time.
    ///
    /// # Errors
    ///
    /// A view could not be mapped; the memory is as long as it was.
    pub(crate) fn lengthen(&self, file: &File, length: u32) -> io::Result<()> {
        let mapped = self.length();
        if length <= mapped {
            return Ok(());
        }
        let first = mapped / CHUNK;
        for (index, chunk) in (first..length.div_ceil(CHUNK)).zip(&self.chunks[first as usize..]) {
            let start = index * CHUNK;
            let size = CHUNK.min(length - start);
            let mapping = MmapOptions::new().offset(start.into()).len(size as usize).map_raw(file)?;
            let base = NonNull::new(mapping.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
            // SAFETY: the view is `size` bytes of file and lives as long as `self` (C1); it is
            // reached through `Mapped` only.
            let memory = unsafe { Mapped::from_raw_parts(base, size, size) };
            let memory = memory.map_err(io::Error::other)?;
            // ORDER: Relaxed. Only this thread changes the pointer.
            let older = chunk.load(Ordering::Relaxed);
            let view = Box::into_raw(Box::new(View { memory, older, _mapping: mapping }));
            // ORDER: Release. Publishes the view; pairs with the Acquire in `view`.
            chunk.store(view, Ordering::Release);
        }
        // ORDER: Release. Who sees the length sees the views; pairs with the Acquire in `length`.
        self.length.store(length, Ordering::Release);
        Ok(())
    }

    /// The memory of the chunk that holds `offset`, and the offset in it.
    fn view(&self, offset: u32) -> Result<(&Mapped<'static>, u32), Outside> {
        let chunk = self.chunks.get((offset / CHUNK) as usize).ok_or(Outside { offset })?;
        // ORDER: Acquire. Pairs with the Release in `lengthen`.
        let view = NonNull::new(chunk.load(Ordering::Acquire)).ok_or(Outside { offset })?;
        // SAFETY: the view lives as long as `self` (C1) and is never written again.
        let view = unsafe { view.as_ref() };
        Ok((&view.memory, offset % CHUNK))
    }
}

/// An error of a view, said with the offset in the file.
fn at<T>(offset: u32, result: Result<T, Outside>) -> Result<T, Outside> {
    result.map_err(|_| Outside { offset })
}

impl ReadWords for ChunkedMemory {
    fn length(&self) -> u32 {
        // ORDER: Acquire. Pairs with the Release in `lengthen`.
        self.length.load(Ordering::Acquire)
    }

    fn load32(&self, offset: u32, order: Ordering) -> Result<u32, Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.load32(within, order))
    }

    fn load64(&self, offset: u32, order: Ordering) -> Result<u64, Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.load64(within, order))
    }
}

impl Words for ChunkedMemory {
    fn store32(&self, offset: u32, value: u32, order: Ordering) -> Result<(), Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.store32(within, value, order))
    }

    fn store64(&self, offset: u32, value: u64, order: Ordering) -> Result<(), Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.store64(within, value, order))
    }

    fn compare_exchange32(
        &self,
        offset: u32,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Result<u32, u32>, Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.compare_exchange32(within, current, new, success, failure))
    }

    fn add64(&self, offset: u32, n: u64) -> Result<u64, Outside> {
        let (memory, within) = self.view(offset)?;
        at(offset, memory.add64(within, n))
    }
}

// SAFETY: the pointers lead to views that are not changed after their publication (C1).
unsafe impl Send for ChunkedMemory {}
// SAFETY: as for Send; shared memory is reached by atomic operations only.
unsafe impl Sync for ChunkedMemory {}

impl Drop for ChunkedMemory {
    fn drop(&mut self) {
        for chunk in &mut self.chunks {
            let mut next = *chunk.get_mut();
            while !next.is_null() {
                // SAFETY: the pointer came from `Box::into_raw` in `lengthen`, each is in one list
                // once, and nobody borrows from `self` any more.
                let view = unsafe { Box::from_raw(next) };
                next = view.older;
            }
        }
    }
}
