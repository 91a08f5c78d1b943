//! An allocator that counts what the calling thread asks of it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Blocks that this thread has asked for.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
#[derive(Debug)]
pub(crate) struct Counting;

// SAFETY: the system's allocator does the work; the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(block, layout) }
    }
}

/// How many blocks this thread has asked for while it worked.
pub(crate) fn during<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = ASKED.get();
    let result = work();
    (result, ASKED.get() - before)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_allocation_is_not_counted() {
        assert_eq!(super::during(|| std::hint::black_box(Vec::<u8>::with_capacity(100))).1, 1);
        assert_eq!(super::during(|| std::hint::black_box(1)).1, 0);
    }
}
