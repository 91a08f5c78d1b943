//! Raw memory with a ring in it. All pointers of the ring are in this room and in `width`.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use super::layout::{
    ENCODED, Header, HeaderError, HeaderRule, at32, at64, check_magic, data_at, decode, encode, tags_at,
    words_of,
};
use super::memory::{Lend, Memory, Record, Stack, Word32, Word64};
use super::place::{Capacity, FIXED_WORDS};
use super::width::{Access, Native, Plain, Width};

/// Memory with a ring in it, as one end sees it.
///
/// `K` keeps the memory alive, `A` tells whether others may write it ([`Plain`], or
/// [`Shared`](super::Shared)), `W` how 64-bit words are stored.
///
/// Invariants: (R1) `base` is a multiple of 8 and valid for reads and writes of `words_of(capacity)`
/// words as long as `keep` lives; (R2) control words are touched by atomics only, those of 64 bits by
/// those of `W`; (R3) with [`Plain`], tags and words of events are touched by the two ends only, and there
/// is one of each. For that, nobody gets hold of this but an end.
pub struct RingMemory<K, A = Plain, W = Native> {
    base: NonNull<u64>,
    capacity: Capacity,
    keep: K,
    kind: PhantomData<(A, W)>,
}

// SAFETY: an end touches only words that the protocol gives to it, from whatever thread it is on (R3).
unsafe impl<K: Send, A, W> Send for RingMemory<K, A, W> {}

impl<K, A, W: Width> RingMemory<K, A, W> {
    /// Makes an empty ring in raw memory.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] (`Aligned`, `Length`, `Width` or `Threshold`).
    ///
    /// # Safety
    ///
    /// `words` words at `base` are valid for reads and writes as long as `keep` lives, nobody reads them
    /// during this call, and afterwards they are touched as a ring only, by one writer and one reader;
    /// with [`Shared`](super::Shared) also in any other way by other processes or devices.
    pub(super) unsafe fn format_raw(
        base: NonNull<u64>,
        words: usize,
        keep: K,
        header: &Header,
    ) -> Result<Self, HeaderError> {
        let mut header = *header;
        header.width = W::BYTES;
        let encoded = encode(&header);
        decode(&encoded)?;
        check_memory(base, words, header.capacity)?;
        let memory = RingMemory { base, capacity: header.capacity, keep, kind: PhantomData };
        // A ring that was here is none from now on, also if this is killed.
        // ORDER: Relaxed. The fence comes next.
        // SAFETY: inside the memory (R1).
        unsafe { W::store(memory.word(0), 0, Ordering::Relaxed) };
        // ORDER: SeqCst fence. Nothing below comes before it.
        core::sync::atomic::fence(Ordering::SeqCst);
        for at in 1..super::HEADER_WORDS {
            let word = encoded.get(at).copied().unwrap_or(0);
            // SAFETY: inside the memory (R1), and not read by anybody yet.
            unsafe { memory.word(at).write(word) };
        }
        // The magic number comes last: memory without it is no ring.
        // ORDER: Release. Publishes what was written before; pairs with the Acquire load in `attach_raw`.
        // SAFETY: inside the memory (R1).
        unsafe { W::store(memory.word(0), encoded[0], Ordering::Release) };
        Ok(memory)
    }

    /// The ring that is in raw memory.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if there is none that can be used.
    ///
    /// # Safety
    ///
    /// As [`RingMemory::format_raw`].
    pub(super) unsafe fn attach_raw(
        base: NonNull<u64>,
        words: usize,
        keep: K,
    ) -> Result<(Self, Header), HeaderError> {
        let value = words as u64;
        if words < super::HEADER_WORDS {
            return Err(HeaderError { offset: 0, value, rule: HeaderRule::Length });
        }
        check_aligned(base)?;
        let mut encoded = [0; ENCODED];
        for (at, word) in encoded.iter_mut().enumerate() {
            // SAFETY: inside the memory, which has HEADER_WORDS words.
            let from = unsafe { base.add(at) };
            // ORDER: Acquire. The first pairs with the store of the magic number in `format_raw`; the others
            // need no order.
            // SAFETY: aligned, inside the memory.
            *word = unsafe { W::load(from, Ordering::Acquire) };
            if at == 0 {
                // Whoever writes the others may be at it still.
                check_magic(*word)?;
            }
        }
        let header = decode(&encoded)?;
        if header.width != W::BYTES {
            return Err(HeaderError { offset: 12, value: header.width.into(), rule: HeaderRule::Width });
        }
        check_memory(base, words, header.capacity)?;
        Ok((RingMemory { base, capacity: header.capacity, keep, kind: PhantomData }, header))
    }

    /// Another handle, for the other end.
    pub(super) fn other_end(&self) -> Self
    where
        K: Clone,
    {
        RingMemory { base: self.base, capacity: self.capacity, keep: self.keep.clone(), kind: PhantomData }
    }

    /// The word at an offset below `words_of(capacity)`.
    #[inline(always)]
    fn word(&self, at: usize) -> NonNull<u64> {
        debug_assert!(at < words_of(self.capacity));
        // SAFETY: inside the memory (R1).
        unsafe { self.base.add(at) }
    }

    #[inline(always)]
    fn word32(&self, word: Word32) -> &AtomicU32 {
        let at = at32(word);
        let base = self.base.cast::<AtomicU32>();
        // SAFETY: in the header, inside the memory (R1).
        let at = unsafe { base.add(at) };
        // SAFETY: (R1), and touched by atomics of 32 bits only (R2).
        unsafe { at.as_ref() }
    }
}

fn check_aligned(base: NonNull<u64>) -> Result<(), HeaderError> {
    let address = base.addr().get();
    let value = address as u64;
    let aligned = address.is_multiple_of(8);
    if aligned { Ok(()) } else { Err(HeaderError { offset: 0, value, rule: HeaderRule::Aligned }) }
}

fn check_memory(base: NonNull<u64>, words: usize, capacity: Capacity) -> Result<(), HeaderError> {
    check_aligned(base)?;
    let value = words as u64;
    let is_enough = words >= words_of(capacity);
    if is_enough { Ok(()) } else { Err(HeaderError { offset: 0, value, rule: HeaderRule::Length }) }
}

impl<K, A: Access, W: Width> Memory for RingMemory<K, A, W> {
    type Sleeper = AtomicU32;

    #[inline(always)]
    fn sleeper(&self) -> &AtomicU32 {
        self.word32(Word32::Sleeping)
    }

    #[inline(always)]
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    #[inline(always)]
    fn load32(&self, word: Word32, order: Ordering) -> u32 {
        self.word32(word).load(order)
    }

    #[inline(always)]
    fn store32(&self, word: Word32, value: u32, order: Ordering) {
        self.word32(word).store(value, order);
    }

    #[inline(always)]
    fn load64(&self, word: Word64, order: Ordering) -> u64 {
        // SAFETY: a word of the header, inside the memory (R1), touched by this width only (R2).
        unsafe { W::load(self.word(at64(word)), order) }
    }

    #[inline(always)]
    fn store64(&self, word: Word64, value: u64, order: Ordering) {
        let at = self.word(at64(word));
        if word == Word64::Written {
            // SAFETY: as in `load64`; the word behind it is one of the header as well.
            unsafe { W::store_next(at, value, order) };
        } else {
            // SAFETY: as in `load64`.
            unsafe { W::store(at, value, order) };
        }
    }

    fn recover_written(&self) -> u64 {
        // SAFETY: as in `store64`. Only the writer stores it, and there is one (R3).
        unsafe { W::recover(self.word(at64(Word64::Written))) }
    }

    #[inline(always)]
    fn fence(&self, order: Ordering) {
        core::sync::atomic::fence(order);
    }

    #[inline(always)]
    fn load_word(&self, place: u32) -> u64 {
        if place >= self.capacity.data {
            return 0;
        }
        // SAFETY: inside the memory (R1); the protocol gives the word to this end (R3).
        unsafe { A::load::<W>(self.word(data_at(self.capacity) + place as usize)) }
    }

    #[inline(always)]
    fn store_record(&self, place: u32, record: &Record<'_>) {
        let header_words = self.capacity.header as usize;
        let header = record.header;
        let start = FIXED_WORDS as usize + header_words;
        let room = (self.capacity.data as usize).saturating_sub(place as usize);
        if header.len() > header_words || start > room || record.stack.len() > room - start {
            return;
        }
        let at = self.word(data_at(self.capacity) + place as usize);
        // SAFETY: one of the words that were found to be inside the memory (R1); the protocol gives
        // them to this end (R3). So for all words below.
        unsafe { A::store::<W>(at, record.length) };
        // SAFETY: at most one past the last of the words.
        let mut at = unsafe { at.add(1) };
        // SAFETY: as above.
        unsafe { A::store::<W>(at, record.time) };
        for n in 0..header_words {
            // SAFETY: at most one past the last of the words.
            at = unsafe { at.add(1) };
            // SAFETY: as above.
            unsafe { A::store::<W>(at, header.get(n).copied().unwrap_or(0)) };
        }
        // SAFETY: at most one past the last of the words.
        at = unsafe { at.add(1) };
        match record.stack {
            // SAFETY: as above.
            Stack::Frames(frames) => unsafe { A::store_frames::<W>(at, frames) },
            // SAFETY: as above.
            Stack::Lost(counts) => unsafe { A::store::<W>(at, counts) },
        }
    }

    #[inline(always)]
    fn store_rewind(&self, place: u32) {
        if place < self.capacity.data {
            // SAFETY: inside the memory (R1); the protocol gives the word to this end (R3).
            unsafe { A::store::<W>(self.word(data_at(self.capacity) + place as usize), 0) };
        }
    }

    #[inline(always)]
    fn load_tag(&self, place: u32) -> u64 {
        if place >= self.capacity.tags {
            return 0;
        }
        // SAFETY: inside the memory (R1); the protocol gives the word to this end (R3).
        unsafe { A::load::<W>(self.word(tags_at() + place as usize)) }
    }

    #[inline(always)]
    fn store_tag(&self, place: u32, tag: u64) {
        if place < self.capacity.tags {
            // SAFETY: inside the memory (R1); the protocol gives the word to this end (R3).
            unsafe { A::store::<W>(self.word(tags_at() + place as usize), tag) };
        }
    }
}

impl<K, W: Width> Lend for RingMemory<K, Plain, W> {
    #[inline]
    fn lend(&self, place: u32, length: u32) -> &[u64] {
        if place >= self.capacity.data || length > self.capacity.data - place {
            return &[];
        }
        let at = self.word(data_at(self.capacity) + place as usize);
        // SAFETY: inside the memory (R1). The reader lends words that it has not given back, and only
        // until it does; nobody writes them meanwhile (R3).
        unsafe { NonNull::slice_from_raw_parts(at, length as usize).as_ref() }
    }
}

impl<K, A, W> fmt::Debug for RingMemory<K, A, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingMemory").field("base", &self.base).field("capacity", &self.capacity).finish()
    }
}
