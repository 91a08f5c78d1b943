//! Memory of a ring, what shape the ring has, and a port on which others act while the reader sleeps.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arbitrary::Arbitrary;
use tallymark_core::ring::{
    Access, Capacity, Clock, Header, HeaderError, Index, Ring, RingMemory, Threshold, Wait, Width, words_of,
};

/// Memory of a ring that is not kept alive by it.
pub(super) type Words<A, W> = RingMemory<(), A, W>;

/// Words in one piece of the heap, exactly as many as are asked for: a sanitizer sees what is outside.
#[derive(Debug)]
pub(super) struct Block {
    base: NonNull<u64>,
    length: usize,
}

impl Block {
    /// These words, from now on only reached through the pointer.
    pub(super) fn new(words: Vec<u64>) -> Block {
        let words = Box::leak(words.into_boxed_slice());
        Block { length: words.len(), base: NonNull::from(words).cast() }
    }

    /// The ring that is in them. It is not used after the block is gone, nor beside another ring.
    pub(super) fn attach<A: Access, W: Width>(&self) -> Result<Ring<(), A, W>, HeaderError> {
        // SAFETY: the callers, all in this folder, do as is said above; this thread alone is here.
        unsafe { Ring::attach_raw(self.base, self.length, ()) }
    }

    /// A new ring in them, of which the same is true.
    pub(super) fn format<A: Access, W: Width>(&self, header: &Header) -> Result<Ring<(), A, W>, HeaderError> {
        // SAFETY: as in `attach`.
        unsafe { Ring::format_raw(self.base, self.length, (), header) }
    }

    /// A copy of the words, taken between two uses.
    pub(super) fn words(&self) -> Vec<u64> {
        let words = NonNull::slice_from_raw_parts(self.base, self.length);
        // SAFETY: all of the words that were leaked; this thread alone is here.
        unsafe { words.as_ref() }.to_vec()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let words = NonNull::slice_from_raw_parts(self.base, self.length);
        // SAFETY: the box that was leaked, given back once.
        drop(unsafe { Box::from_raw(words.as_ptr()) });
    }
}

/// What ring it is to be.
#[derive(Clone, Debug, Arbitrary)]
pub(super) struct Shape {
    header: u8,
    data: u8,
    tags: u8,
    wake: (u8, u8),
    start: Start,
}

/// Where the counts start.
#[derive(Clone, Debug, Arbitrary)]
enum Start {
    Zero,
    /// So shortly before they wrap.
    BeforeTheWrap(u8, u8),
    Any(u32, u32),
}

impl Shape {
    /// The header of the ring.
    pub(super) fn header(&self) -> Header {
        let (data, tags) = (1 + u32::from(self.data) % 128, 1 + u32::from(self.tags) % 32);
        let capacity = Capacity::new(u32::from(self.header) % 5, data, tags).expect("small");
        let wake = Threshold { data: 1 + u32::from(self.wake.0), tags: 1 + u32::from(self.wake.1) };
        Header { wake, clock: Clock::Ticks(self.header.into()), ..Header::new(capacity) }
    }

    /// The words that it takes.
    pub(super) fn words(&self) -> usize {
        words_of(self.header().capacity)
    }

    /// A new ring of this shape.
    pub(super) fn ring<A: Access, W: Width>(&self, block: &Block) -> Ring<(), A, W> {
        let start = match self.start {
            Start::Zero => Index::default(),
            Start::BeforeTheWrap(data, tags) => Index::default()
                .add_counts_and_clear_flags(u32::from(data).wrapping_neg(), u32::from(tags).wrapping_neg()),
            Start::Any(data, tags) => Index::default().add_counts_and_clear_flags(data, tags),
        };
        let ring = block.format::<A, W>(&self.header()).expect("enough words");
        ring.start_at(start);
        ring
    }
}

/// What happens during a sleep: gets its number since the wait began.
type Act = Box<dyn FnMut(u32)>;

/// A port on which time passes only by sleeping.
#[derive(Default)]
pub(super) struct Port {
    /// Wakes so far.
    pub(super) wakes: Cell<u32>,
    naps: Cell<u32>,
    during: RefCell<Option<Act>>,
}

thread_local! {
    // Never freed: a writer that is killed, that is, forgotten, leaves a reference behind.
    static PORT: &'static Port = Box::leak(Box::default());
}

/// The port of this thread.
pub(super) fn port() -> &'static Port {
    PORT.with(|port| *port)
}

impl Port {
    /// Lets the reader wait while somebody does this.
    pub(super) fn while_it_sleeps<R>(
        &self,
        during: impl FnMut(u32) + 'static,
        wait: impl FnOnce() -> R,
    ) -> R {
        self.naps.set(0);
        *self.during.borrow_mut() = Some(Box::new(during));
        let waited = wait();
        self.during.take();
        waited
    }
}

impl Wait<AtomicU32> for Port {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        let is_asleep = || word.load(Ordering::Relaxed) == 1;
        assert!(is_asleep(), "it sleeps and does not say so");
        self.naps.set(self.naps.get() + 1);
        assert!(self.naps.get() < 100, "it never has slept enough");
        if let Some(during) = &mut *self.during.borrow_mut() {
            during(self.naps.get());
        }
        if is_asleep() {
            *limit.as_mut().expect("it sleeps for ever") = Duration::ZERO;
        }
    }

    fn wake(&self, word: &AtomicU32) {
        assert_eq!(word.load(Ordering::Relaxed), 0, "it wakes a reader and does not say so");
        self.wakes.set(self.wakes.get() + 1);
    }
}
