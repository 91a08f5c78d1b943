//! How 64-bit words are stored, chosen by what the machine can do, and how the words of events are.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

/// Atomic loads and stores of a 64-bit word.
///
/// # Safety
///
/// Implementations touch the 8 bytes at `at` and nothing else, by atomic operations of one width.
pub unsafe trait Width {
    /// Bytes of the widest atomic operation: what the header of a ring says of it.
    const BYTES: u32;

    /// Loads a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8, the 8 bytes are valid for atomics of this width.
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64;

    /// Stores a word.
    ///
    /// # Safety
    ///
    /// As [`Width::load`].
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering);
}

/// One 64-bit atomic: the layout of Go.
#[cfg(target_has_atomic = "64")]
#[derive(Clone, Copy, Debug)]
pub enum Whole {}

// SAFETY: one AtomicU64 at `at`.
#[cfg(target_has_atomic = "64")]
unsafe impl Width for Whole {
    const BYTES: u32 = 8;

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64 {
        // SAFETY: as the caller promises.
        let word = unsafe { core::sync::atomic::AtomicU64::from_ptr(at.as_ptr()) };
        word.load(order)
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering) {
        // SAFETY: as the caller promises.
        let word = unsafe { core::sync::atomic::AtomicU64::from_ptr(at.as_ptr()) };
        word.store(value, order);
    }
}

/// Two 32-bit atomics, for machines that have no wider ones. No lock: an interrupt handler could find
/// it taken.
///
/// The low half is stored first and loaded last, so it is never older than the high half. Of an index
/// the high half, the events, is what counts; of words newer than that the protocol makes no use.
#[derive(Clone, Copy, Debug)]
pub enum Halves {}

impl Halves {
    /// The low and the high half.
    ///
    /// # Safety
    ///
    /// As [`Width::load`].
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn of<'w>(at: NonNull<u64>) -> [&'w AtomicU32; 2] {
        // SAFETY: the first four of the 8 bytes.
        let first: &AtomicU32 = unsafe { at.cast().as_ref() };
        // SAFETY: inside the 8 bytes.
        let second = unsafe { at.cast::<AtomicU32>().add(1) };
        // SAFETY: the last four of the 8 bytes.
        let second: &AtomicU32 = unsafe { second.as_ref() };
        if cfg!(target_endian = "little") { [first, second] } else { [second, first] }
    }
}

// SAFETY: two AtomicU32, together the 8 bytes at `at`.
unsafe impl Width for Halves {
    const BYTES: u32 = 4;

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load(at: NonNull<u64>, order: Ordering) -> u64 {
        // SAFETY: as the caller promises.
        let [low, high] = unsafe { Halves::of(at) };
        let high = high.load(order);
        u64::from(high) << 32 | u64::from(low.load(order))
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store(at: NonNull<u64>, value: u64, order: Ordering) {
        // SAFETY: as the caller promises.
        let [low, high] = unsafe { Halves::of(at) };
        low.store(value as u32, order);
        high.store((value >> 32) as u32, order);
    }
}

/// What this machine can do best.
#[cfg(target_has_atomic = "64")]
pub type Native = Whole;
/// What this machine can do best.
#[cfg(not(target_has_atomic = "64"))]
pub type Native = Halves;

/// How the words of events, which belong to one end at a time, are read and written.
///
/// # Safety
///
/// Implementations touch exactly the words that they are given.
pub unsafe trait Access {
    /// Loads a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8 and valid for reads of 8 bytes in the way of this access.
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64;

    /// Stores a word.
    ///
    /// # Safety
    ///
    /// `at` is a multiple of 8 and valid for writes of 8 bytes in the way of this access.
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64);

    /// Stores the addresses, a word each.
    ///
    /// # Safety
    ///
    /// As [`Access::store`], for `frames.len()` words.
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store_frames<W: Width>(at: NonNull<u64>, frames: &[usize]) {
        let mut at = at;
        for &frame in frames {
            // SAFETY: one of the words.
            unsafe { Self::store::<W>(at, frame as u64) };
            // SAFETY: at most one past the last of the words.
            at = unsafe { at.add(1) };
        }
    }
}

/// Plain memory: nobody else touches the words that the protocol gives to this end.
#[derive(Clone, Copy, Debug)]
pub enum Plain {}

// SAFETY: one read or write of the word at `at`.
unsafe impl Access for Plain {
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64 {
        // SAFETY: as the caller promises.
        unsafe { at.read() }
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64) {
        // SAFETY: as the caller promises.
        unsafe { at.write(value) };
    }

    #[cfg(target_pointer_width = "64")]
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store_frames<W: Width>(at: NonNull<u64>, frames: &[usize]) {
        let from = NonNull::from(frames).cast::<u64>();
        // SAFETY: as many words as there are frames, of the same size; a ring is not lent while it is
        // written, so they do not overlap.
        unsafe { at.copy_from_nonoverlapping(from, frames.len()) };
    }
}

/// Memory that another process, a device or a debugger may write at any time: each word is an atomic.
#[derive(Clone, Copy, Debug)]
pub enum Shared {}

// SAFETY: one access of that width.
unsafe impl Access for Shared {
    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn load<W: Width>(at: NonNull<u64>) -> u64 {
        // ORDER: Relaxed. Ordered by the index; if the other side breaks the protocol, by nothing.
        // SAFETY: as the caller promises.
        unsafe { W::load(at, Ordering::Relaxed) }
    }

    // SAFETY: as the trait asks of callers.
    #[inline(always)]
    unsafe fn store<W: Width>(at: NonNull<u64>, value: u64) {
        // ORDER: Relaxed. As above.
        // SAFETY: as the caller promises.
        unsafe { W::store(at, value, Ordering::Relaxed) };
    }
}
