//! A file mapped in chunks: words at offsets of the file, wherever their chunk is in memory.
//!
//! No record of the format crosses a page of 16 KiB, so none crosses a chunk of 64 KiB (the smallest
//! step between views that Windows allows).

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::{MmapOptions, MmapRaw};
use tallymark_core::{Count, Mapped, Outside, ReadWords, Words};

const CHUNK: u32 = 64 * 1024;

/// Words over the views of a file.
///
/// Two views of one chunk are two addresses of the same memory, so a count added through an older
/// view is seen through the newer one.
///
/// Invariants: (C1) a chunk's pointer is null or leads to a view in `views`, which is emptied by
/// dropping `self` only; (C2) the chunks below `length` are mapped up to `length`, which only rises.
#[derive(Debug)]
pub struct ChunkedMemory {
    /// The newest view of each chunk.
    chunks: Box<[AtomicPtr<View>]>,
    length: AtomicU32,
    /// All views, also the replaced ones. Locked by the one thread that maps.
    views: Mutex<Vec<Arc<View>>>,
}

/// A view of one chunk, or of its first part where the file ended in it.
#[derive(Debug)]
struct View {
    memory: Mapped<'static>,
    // Dropped after `memory`.
    _mapping: MmapRaw,
}

impl View {
    /// Maps `size` bytes of a chunk; the file has them.
    fn map(file: &File, chunk: u32, size: u32) -> io::Result<Arc<Self>> {
        let start = u64::from(chunk) * u64::from(CHUNK);
        let mapping = MmapOptions::new().offset(start).len(size as usize).map_raw(file)?;
        let base = NonNull::new(mapping.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the mapping is `size` bytes of file and lives as long as the view, which hands out
        // `memory` by reference only; it is reached through `Mapped` only.
        let memory = unsafe { Mapped::from_raw_parts(base, size, size) };
        Ok(Arc::new(View { memory: memory.map_err(io::Error::other)?, _mapping: mapping }))
    }
}

impl ChunkedMemory {
    /// No view yet, with room for `capacity` bytes, raised to whole chunks.
    pub(crate) fn new(capacity: u32) -> Self {
        let chunks = (0..capacity.div_ceil(CHUNK)).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        ChunkedMemory { chunks, length: AtomicU32::new(0), views: Mutex::new(Vec::new()) }
    }

    /// Bytes there is room for.
    pub(crate) fn capacity(&self) -> u32 {
        self.chunks.len() as u32 * CHUNK
    }

    /// Maps the file up to `length` bytes; it is that long already, and there is room.
    ///
    /// # Errors
    ///
    /// A view could not be mapped; the memory is as long as it was.
    pub(crate) fn lengthen(&self, file: &File, length: u32) -> io::Result<()> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let mapped = self.length();
        if length <= mapped {
            return Ok(());
        }
        let added = parts(mapped, length)
            .map(|(chunk, size)| View::map(file, chunk, size))
            .collect::<io::Result<Vec<_>>>()?;
        views.extend(added.iter().cloned());
        for (chunk, view) in self.chunks.iter().skip((mapped / CHUNK) as usize).zip(&added) {
            // ORDER: Release. Publishes the view; pairs with the Acquire in `view`.
            chunk.store(Arc::as_ptr(view).cast_mut(), Ordering::Release);
        }
        // ORDER: Release. Who sees the length sees the views; pairs with the Acquire in `length`.
        self.length.store(length, Ordering::Release);
        Ok(())
    }

    /// The count at `offset`, for as long as the program runs.
    pub(crate) fn count(&'static self, offset: u32) -> Result<&'static Count, Outside> {
        let (memory, within) = self.view(offset)?;
        // SAFETY: the view lives as long as `self` (C1), which is for ever.
        at(offset, unsafe { memory.lasting_count(within) })
    }

    /// The memory of the chunk that holds `offset`, and the offset in it.
    fn view(&self, offset: u32) -> Result<(&Mapped<'static>, u32), Outside> {
        let chunk = self.chunks.get((offset / CHUNK) as usize).ok_or(Outside { offset })?;
        // ORDER: Acquire. Pairs with the Release in `lengthen`.
        let view = NonNull::new(chunk.load(Ordering::Acquire)).ok_or(Outside { offset })?;
        // SAFETY: the view lives as long as `self` (C1), and nobody has it by `&mut`.
        let view = unsafe { view.as_ref() };
        Ok((&view.memory, offset % CHUNK))
    }
}

/// What to map so that a memory of `mapped` bytes becomes `length` bytes long: chunks, and how much of
/// each from its start. The first may be mapped in part already.
fn parts(mapped: u32, length: u32) -> impl Iterator<Item = (u32, u32)> {
    (mapped / CHUNK..length.div_ceil(CHUNK)).map(move |chunk| (chunk, CHUNK.min(length - chunk * CHUNK)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::fs::{self, OpenOptions};
    use std::process;
    use tallymark_core::format::layout::PAGE;

    #[test]
    fn parts_cover_what_is_new_and_end_with_the_file() {
        let of = |mapped: u32, length: u32| parts(mapped * PAGE, length * PAGE).collect::<Vec<_>>();
        assert_eq!(of(0, 1), [(0, PAGE)]);
        assert_eq!(of(1, 4), [(0, CHUNK)]);
        assert_eq!(of(4, 5), [(1, PAGE)]);
        assert_eq!(of(3, 10), [(0, CHUNK), (1, CHUNK), (2, 2 * PAGE)]);
        assert_eq!(of(0, 65536).len(), 16384); // 1 GiB
        for mapped in 0..12 {
            for length in mapped + 1..13 {
                let parts = of(mapped, length);
                assert_eq!(parts[0].0, mapped / 4);
                let &(chunk, size) = parts.last().unwrap();
                assert_eq!(chunk * CHUNK + size, length * PAGE);
                assert!(parts[..parts.len() - 1].iter().all(|&(_, size)| size == CHUNK));
            }
        }
    }

    #[test]
    fn offsets_keep_their_words_while_the_file_grows() {
        let path = env::temp_dir().join(format!("tallymark-chunks-{}", process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let memory = ChunkedMemory::new(3 * CHUNK - 1);
        assert_eq!(memory.capacity(), 3 * CHUNK);
        assert_eq!(memory.load32(0, Ordering::Relaxed), Err(Outside { offset: 0 }));
        let mut old = Vec::new();
        for pages in [1, 2, 3, 4, 5, 12] {
            let length = pages * PAGE;
            file.set_len(length.into()).unwrap();
            memory.lengthen(&file, length).unwrap();
            memory.lengthen(&file, PAGE).unwrap(); // never shorter
            assert_eq!(memory.length(), length);
            old.push(memory.view(0).unwrap().0);
            let last = length - 8;
            assert_eq!(memory.add64(last, pages.into()), Ok(0));
            assert_eq!(memory.load64(length, Ordering::Relaxed), Err(Outside { offset: length }));
            assert_eq!(old[0].add64(0, 1), Ok(old.len() as u64 - 1));
        }
        for pages in [1, 2, 3, 4, 5, 12u32] {
            assert_eq!(memory.load64(pages * PAGE - 8, Ordering::Relaxed), Ok(pages.into()));
        }
        // All views of the first chunk show the same word.
        assert!(old.iter().all(|view| view.load64(0, Ordering::Relaxed) == Ok(6)));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes[12 * PAGE as usize - 8..], 12u64.to_ne_bytes());
        drop((memory, file));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_view_past_the_end_of_the_file_is_an_error() {
        let path = env::temp_dir().join(format!("tallymark-short-{}", process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        file.set_len(PAGE.into()).unwrap();
        let memory = ChunkedMemory::new(2 * CHUNK);
        assert!(memory.lengthen(&file, 2 * CHUNK).is_err());
        assert_eq!((memory.length(), file.metadata().unwrap().len()), (0, PAGE.into()));
        drop((memory, file));
        fs::remove_file(&path).unwrap();
    }
}
