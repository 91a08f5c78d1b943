//! Surviving a file that somebody cuts short: pages that are gone are replaced by memory.
//!
//! A page of a mapping past the end of its file raises SIGBUS when it is touched, which ends the
//! process. The handler here puts a page of zeros in the place of one that is in a counter file, and
//! the addition goes on. What is counted into such a page is lost; the next
//! [`check`](crate::MappedFile::check) notices the cut and says so.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Ranges that one block of the list holds; the block is a page of 4096 bytes.
const RANGES: usize = 170;

/// Addresses of counter files. `end` is 0 while the place is free or being filled.
#[derive(Debug)]
struct Range {
    start: AtomicUsize,
    end: AtomicUsize,
    /// Pages that were replaced.
    replaced: AtomicUsize,
}

impl Range {
    const fn new() -> Self {
        Range { start: AtomicUsize::new(0), end: AtomicUsize::new(0), replaced: AtomicUsize::new(0) }
    }
}

/// A part of the list of all ranges. Blocks are never freed.
#[repr(C)]
struct Block {
    ranges: [Range; RANGES],
    next: AtomicPtr<Block>,
}

static FIRST: Block =
    Block { ranges: [const { Range::new() }; RANGES], next: AtomicPtr::new(ptr::null_mut()) };

/// A range of addresses that is guarded until the value is dropped.
#[derive(Debug)]
pub(crate) struct Guarded(&'static Range);

impl Guarded {
    /// Guards `length` bytes from `start` on. `None` if the system has no memory left; the range is
    /// then not guarded. Does not allocate.
    pub(crate) fn new(start: usize, length: usize) -> Option<Self> {
        let mut block = &FIRST;
        loop {
            for range in &block.ranges {
                if range.start.load(Ordering::Relaxed) != 0 {
                    continue;
                }
                let taken = range.start.compare_exchange(0, start, Ordering::Relaxed, Ordering::Relaxed);
                if taken.is_ok() {
                    range.replaced.store(0, Ordering::Relaxed);
                    // ORDER: Release. Publishes the start; pairs with the Acquire in `guarded`.
                    range.end.store(start + length, Ordering::Release);
                    return Some(Guarded(range));
                }
            }
            block = block.next()?;
        }
    }

    /// Whether a page of the range was replaced: what is counted there does not reach the file.
    pub(crate) fn is_replaced(&self) -> bool {
        self.0.replaced.load(Ordering::Relaxed) > 0
    }

    /// Guards only the first `length` bytes from now on, and those for ever.
    pub(crate) fn keep(&self, length: usize) {
        let start = self.0.start.load(Ordering::Relaxed);
        self.0.end.store(start + length, Ordering::Release);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.end.store(0, Ordering::Relaxed);
        // ORDER: Release. Whoever takes the place next writes the end after this.
        self.0.start.store(0, Ordering::Release);
    }
}

impl Block {
    /// The next block, made if there is none.
    fn next(&self) -> Option<&'static Block> {
        // ORDER: Acquire, and AcqRel below: the block is whole before it is linked.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: null or a block, and blocks are never freed.
        if let Some(next) = unsafe { next.as_ref() } {
            return Some(next);
        }
        let new = anonymous(ptr::null_mut(), size_of::<Block>(), 0)?.cast::<Block>();
        let linked = self.next.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
        let block = linked.map_or_else(|other| other, |_| new);
        // SAFETY: a block: fresh memory is zero, which is an empty one. One that came too late stays
        // unused.
        unsafe { block.as_ref() }
    }
}

/// The counter file that an address belongs to.
fn guarded(address: usize) -> Option<&'static Range> {
    let mut block: Option<&'static Block> = Some(&FIRST);
    while let Some(ranges) = block {
        for range in &ranges.ranges {
            // ORDER: Acquire. Pairs with the Release in `Guarded::new`.
            let end = range.end.load(Ordering::Acquire);
            if address < end && address >= range.start.load(Ordering::Relaxed) {
                return Some(range);
            }
        }
        // SAFETY: null or a block, and blocks are never freed.
        block = unsafe { ranges.next.load(Ordering::Acquire).as_ref() };
    }
    None
}

/// Private memory of zeros; at this very address with `MAP_FIXED`.
fn anonymous(address: *mut libc::c_void, length: usize, flags: i32) -> Option<*mut libc::c_void> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the address is null, or that of a page of a counter file whose contents are gone.
    let memory = unsafe { libc::mmap(address, length, protection, flags, -1, 0) };
    (memory != libc::MAP_FAILED).then_some(memory)
}

/// Bytes of a page of memory; set before the handler is.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// What happened on SIGBUS before; set before the handler is.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Lets this process survive counter files that are cut short while it counts. True if that is so.
///
/// A fault that is not in a counter file goes to the handler that was there before (Rust's own looks
/// for stacks that have overflowed), or ends the process as it always did.
pub fn survive_cuts() -> bool {
    PAGE.store(rustix::param::page_size(), Ordering::Relaxed);
    let Some(current) = action(None) else { return false };
    let ours = on_fault as *const () as libc::sighandler_t;
    if current.sa_sigaction == ours {
        return true;
    }
    // A handler that was put over ours, and hands on to it, must not be handed back to.
    if BEFORE.set(current).is_err() {
        return false;
    }
    let flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    action(Some(&libc::sigaction { sa_sigaction: ours, sa_flags: flags, ..current })).is_some()
}

/// Sets what happens on SIGBUS, if that is given; returns what happened before.
fn action(new: Option<&libc::sigaction>) -> Option<libc::sigaction> {
    let mut before = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `new` is null or a whole action; `before` is written by the call.
    let result = unsafe { libc::sigaction(libc::SIGBUS, new, before.as_mut_ptr()) };
    // SAFETY: zeros are an action, and the call has written one.
    (result == 0).then(|| unsafe { before.assume_init() })
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system hands a handler with SA_SIGINFO a good pointer.
    let info = unsafe { &mut *info };
    // SAFETY: a SIGBUS of the machine has an address; of one that was sent it is not used.
    let address = unsafe { info.si_addr() }.addr();
    let page = PAGE.load(Ordering::Relaxed);
    if info.si_code > 0
        && page != 0
        && let Some(range) = guarded(address)
    {
        let start = ptr::without_provenance_mut(address - address % page);
        if anonymous(start, page, libc::MAP_FIXED).is_some() {
            range.replaced.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    hand_on(signal, info, context);
}

/// A fault that is not ours.
fn hand_on(signal: libc::c_int, info: &mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(before) = BEFORE.get() else { return };
    match before.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // It happens when the fault is met again.
            action(Some(before));
            if info.si_code <= 0 {
                // SAFETY: sends a signal to this thread.
                unsafe { libc::raise(signal) };
            }
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: the system would have called this handler in this way.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: as above.
            let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_guarded(address: usize) -> bool {
        guarded(address).is_some()
    }

    #[test]
    fn a_range_is_forgotten_or_outlives_its_guard() {
        let base = 1usize << 40;
        let ranges: Vec<_> = (0..600).map(|n| Guarded::new(base + n * 4096, 4096).expect("memory")).collect();
        for n in 0..600 {
            assert!(is_guarded(base + n * 4096) && is_guarded(base + n * 4096 + 4095));
        }
        assert!(!is_guarded(base - 1) && !is_guarded(base + 600 * 4096));
        ranges[7].keep(8);
        assert!(is_guarded(base + 7 * 4096 + 7) && !is_guarded(base + 7 * 4096 + 8));
        drop(ranges);
        assert!((0..600).all(|n| !is_guarded(base + n * 4096)));
    }
}
