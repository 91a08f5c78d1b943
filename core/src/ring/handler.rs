//! A writer that is shared between a thread and the signal handlers on top of it.

use core::ops::Deref;

/// A value in a static that one thread and its handlers use.
///
/// ```
/// use tallymark_core::ring::{Capacity, Header, InHandlers, Polling, RingMemory, RingStorage, Writer, words_of};
///
/// const CAPACITY: Capacity = Capacity::new(1, 1 << 10, 1 << 6).unwrap();
/// static STORAGE: RingStorage<{ words_of(CAPACITY) }> = RingStorage::new();
/// static WRITER: std::sync::OnceLock<InHandlers<Writer<RingMemory<()>, Polling>>> = std::sync::OnceLock::new();
///
/// let (writer, reader) = STORAGE.take(&Header::new(CAPACITY))?.unwrap().split(Polling);
/// // SAFETY: only this thread, and handlers that run on it, write.
/// let _ = WRITER.set(unsafe { InHandlers::new(writer) });
/// // In the handler:
/// if let Some(writer) = WRITER.get() {
///     let _ = writer.write(0, 1, &[1], &[0x401000]);
/// }
/// # drop(reader);
/// # Ok::<(), tallymark_core::ring::HeaderError>(())
/// ```
#[derive(Debug)]
pub struct InHandlers<V>(V);

// SAFETY: `new` promises that one thread uses the value.
unsafe impl<V: Send> Sync for InHandlers<V> {}

impl<V> InHandlers<V> {
    /// Allows handlers to reach the value.
    ///
    /// # Safety
    ///
    /// The value is used by one thread at a time, and by signal or interrupt handlers on that thread. A
    /// [`Writer`](super::Writer) bears being used in the middle of a use; nothing else does.
    pub const unsafe fn new(value: V) -> Self {
        InHandlers(value)
    }

    /// The value.
    pub fn into_inner(self) -> V {
        self.0
    }
}

impl<V> Deref for InHandlers<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}
