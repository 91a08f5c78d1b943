//! Memory of a ring that both its ends keep alive.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use super::{Capacity, Error, words_of};

/// The control words of a ring are in lines of this many bytes.
const LINE: usize = 128;

/// A part in the memory of a ring: it is given back when the last part is dropped.
#[derive(Clone, Debug)]
pub struct Heap {
    // Held, not used: the ends have the address.
    _block: Arc<Block>,
}

/// Invariant (H1): `base` was allocated with `layout`, and nobody else gives it back.
#[derive(Debug)]
struct Block {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block is only held, and given back once, from whatever thread.
unsafe impl Send for Block {}
// SAFETY: a shared block is only held.
unsafe impl Sync for Block {}

impl Heap {
    /// Zeros for a ring of this capacity: its part, its first word and how many there are.
    pub(super) fn new(capacity: Capacity) -> Result<(Heap, NonNull<u64>, usize), Error> {
        let words = words_of(capacity);
        let layout = Layout::array::<u64>(words).and_then(|layout| layout.align_to(LINE));
        let layout = layout.map_err(|_| Error::NoMemory { words })?;
        // SAFETY: the layout is not empty, a ring has control words.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).ok_or(Error::NoMemory { words })?;
        Ok((Heap { _block: Arc::new(Block { base, layout }) }, base.cast(), words))
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and given back once (H1).
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}
