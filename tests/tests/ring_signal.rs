//! Goal: a signal handler may write into a ring: it allocates nothing, keeps `errno`, takes little stack,
//! loses no event without counting it, and wakes the reader.
//! Method: an allocator that ends the process while a handler runs; storms of signals whose handlers
//! write on top of writes of the thread and of each other; a reader that sleeps without a limit; an
//! alternate stack with a pattern that shows how deep a handler has gone.
#![cfg(target_os = "linux")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use std::{mem, ptr, thread};

use tallymark::core::ring::{Memory, Reader, SETTLE, Writer};
use tallymark::ring::{
    self, Capacity, Header, InHandlers, Read, Reason, Ring, RingWait, Threshold, Wait, words_of,
};
use tallymark_tests::ring_events::{Found, Tried, stack, weight};

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    /// What the handlers of this thread write to; null: nothing.
    static POST: AtomicPtr<Post> = const { AtomicPtr::new(ptr::null_mut()) };
}

/// The allocator of the system, unless it is forbidden.
struct Strict;

impl Strict {
    fn check() {
        if FORBIDDEN.get() {
            let text = b"a handler allocates or frees\n";
            // SAFETY: the text is that long.
            unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
            // SAFETY: ends the process; no requirement.
            unsafe { libc::abort() };
        }
    }
}

// SAFETY: all calls go to the allocator of the system.
unsafe impl GlobalAlloc for Strict {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Strict::check();
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Strict::check();
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static STRICT: Strict = Strict;

/// Who writes. The tag of its events.
#[derive(Clone, Copy, Debug)]
enum Source {
    Thread,
    Prof,
    Usr1,
}

/// A writer of any kind of ring.
trait Pen: Send + Sync {
    fn write(&self, tag: u64, time: u64, header: &[u64], stack: &[usize]) -> Result<(), Reason>;
}

impl<M: Memory + Send, P: Wait<M::Sleeper> + Send> Pen for InHandlers<Writer<M, P>> {
    fn write(&self, tag: u64, time: u64, header: &[u64], stack: &[usize]) -> Result<(), Reason> {
        Writer::write(self, tag, time, header, stack)
    }
}

/// What a thread and its handlers write with.
struct Post {
    pen: Box<dyn Pen>,
    /// Events for each SIGPROF.
    burst: u64,
    tried: [Tried; 3],
    errno_changed: AtomicU64,
    /// The lowest address that the system has put the state of the interrupted code at.
    context: AtomicUsize,
}

impl Post {
    /// Begins to write on this thread, handlers included.
    fn new<M: Memory + Send + 'static, P: Wait<M::Sleeper> + Send + 'static>(
        writer: Writer<M, P>,
        burst: u64,
    ) -> Post {
        // SAFETY: one thread writes: POST of others is null.
        let pen = Box::new(unsafe { InHandlers::new(writer) });
        let (tried, context) = (Default::default(), AtomicUsize::new(usize::MAX));
        Post { pen, burst, tried, errno_changed: AtomicU64::new(0), context }
    }

    /// Lets the handlers of this thread write during `work`.
    fn during(&self, work: impl FnOnce()) {
        install();
        POST.with(|post| post.store(ptr::from_ref(self).cast_mut(), Ordering::Relaxed));
        work();
        POST.with(|post| post.store(ptr::null_mut(), Ordering::Relaxed));
        assert_eq!(self.errno_changed.load(Ordering::Relaxed), 0, "the interrupted code sees another errno");
    }

    fn write(&self, source: Source) {
        let tried = &self.tried[source as usize];
        let number = tried.next();
        let (stack, length) = stack(number);
        let stack = if number.is_multiple_of(1009) { &TOO_LARGE[..] } else { &stack[..length] };
        tried.was(self.pen.write(source as u64, number, &[weight(number)], stack));
    }

    /// Ends the stream: what was tried, and the lowest address of interrupted states.
    fn end(self) -> ([Tried; 3], usize) {
        drop(self.pen);
        (self.tried, self.context.into_inner())
    }

    fn tried(&self, source: Source) -> u64 {
        self.tried[source as usize].events()
    }
}

/// A stack that no ring of these tests has room for.
static TOO_LARGE: [usize; 1 << 12] = [0; 1 << 12];

extern "C" fn on_signal(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let post = POST.with(|post| post.load(Ordering::Relaxed));
    // SAFETY: null, or what `Post::during` on this thread borrows.
    let Some(post) = (unsafe { post.as_ref() }) else { return };
    let was_forbidden = FORBIDDEN.replace(true);
    // SAFETY: the address of this thread's errno.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    post.context.fetch_min(context.addr(), Ordering::Relaxed);
    if signal == libc::SIGUSR1 {
        post.write(Source::Usr1);
    } else {
        (0..post.burst).for_each(|_| post.write(Source::Prof));
    }
    // SAFETY: as above.
    if unsafe { *errno } != before {
        post.errno_changed.fetch_add(1, Ordering::Relaxed);
    }
    FORBIDDEN.set(was_forbidden);
}

/// Installs the handlers, each of which the other may interrupt. They stay for ever.
fn install() {
    for signal in [libc::SIGPROF, libc::SIGUSR1] {
        // SAFETY: no flags, no signals, no handler: zeros are an action.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        // SAFETY: the handler does only what a handler may.
        assert_eq!(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) }, 0);
    }
}

/// Runs `work` on a thread whose handlers have a stack of their own; the lowest address that they used.
fn with_handler_stack<R: Send>(work: impl FnOnce() -> R + Send) -> (R, usize) {
    let run = || {
        let stack = Box::into_raw(vec![PATTERN; 256 << 10].into_boxed_slice());
        let mut given = libc::stack_t { ss_sp: stack.cast(), ss_flags: 0, ss_size: stack.len() };
        // SAFETY: the memory is given away until it is taken back.
        assert_eq!(unsafe { libc::sigaltstack(&raw const given, ptr::null_mut()) }, 0);
        let result = work();
        given.ss_flags = libc::SS_DISABLE;
        // SAFETY: no handler runs now.
        assert_eq!(unsafe { libc::sigaltstack(&raw const given, ptr::null_mut()) }, 0);
        // SAFETY: it came from a box, and nobody else has it any more.
        let stack = unsafe { Box::from_raw(stack) };
        let unused = stack.iter().take_while(|&&byte| byte == PATTERN).count();
        (result, stack.as_ptr().addr() + unused)
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// What is on a stack that was not used.
const PATTERN: u8 = 0xa5;

/// Reads to the end; `progress` is the number of events of SIGPROF that were read or too large.
fn read<M: Memory, P: Wait<M::Sleeper>>(mut reader: Reader<M, P>, progress: &AtomicU64) -> Found<3> {
    let mut found = Found::default();
    loop {
        match reader.wait(None).unwrap() {
            Read::Events(batch) => batch.into_iter().for_each(|item| found.add(&item)),
            Read::Nothing => panic!("a wait without limit has ended for nothing"),
            Read::End => return found,
        }
        progress.store(found.events[Source::Prof as usize] + found.lost[1], Ordering::Relaxed);
    }
}

/// A signal to this thread, which handles it before it goes on.
fn raise(signal: libc::c_int) {
    // SAFETY: the signal has a handler.
    unsafe { libc::raise(signal) };
}

/// SIGPROF each time the process has worked so long; never, if 0.
fn set_timer(microseconds: libc::suseconds_t) {
    let every = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: the timer is good for the call; nobody asks for the one before.
    assert_eq!(unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, ptr::null_mut()) }, 0);
}

#[test]
fn a_storm_of_signals_loses_an_event_silently_or_breaks_one() {
    let events = if cfg!(debug_assertions) { 100_000 } else { 10_000_000 };
    let header = Header::new(Capacity::new(1, 1 << 11, 1 << 9).unwrap());
    let (writer, reader) = ring::new::<u64>(&header).unwrap();
    let reading = thread::spawn(|| read(reader, &AtomicU64::new(0)));
    let ((tried, _), _) = with_handler_stack(|| {
        let post = Post::new(writer, 100);
        // SAFETY: asks for nothing.
        let target = unsafe { libc::pthread_self() };
        let storm = || {
            while post.tried(Source::Prof) < events {
                for signal in [libc::SIGPROF, libc::SIGPROF, libc::SIGPROF, libc::SIGUSR1] {
                    // SAFETY: the thread waits for this one.
                    unsafe { libc::pthread_kill(target, signal) };
                }
            }
        };
        post.during(|| {
            set_timer(100);
            thread::scope(|scope| {
                let storm = scope.spawn(storm);
                while !storm.is_finished() {
                    // The handlers interrupt the allocator, and now and then a write.
                    (0..64).for_each(|size| drop(black_box(vec![0_u8; size])));
                    post.write(Source::Thread);
                }
            });
            set_timer(0);
        });
        post.end()
    });
    let found = reading.join().unwrap();
    found.check(&tried);
    assert!(found.events[Source::Prof as usize] > 0, "everything was lost");
}

/// A port that interrupts the write that wakes the reader.
#[derive(Clone)]
struct Interrupting(RingWait);

impl Wait<AtomicU32> for Interrupting {
    fn sleep(&self, word: &AtomicU32, limit: &mut Option<Duration>) {
        self.0.sleep(word, limit);
    }

    fn wake(&self, word: &AtomicU32) {
        raise(libc::SIGUSR1);
        self.0.wake(word);
    }
}

/// Signals whose handler writes while the reader sleeps, one after the other: each is read before the next.
fn ping_pong<P>(port: P) -> (Found<3>, [Tried; 3])
where
    P: Wait<AtomicU32> + Clone + Send + 'static,
{
    let rounds = if cfg!(debug_assertions) { 3_000 } else { 30_000 };
    let capacity = Capacity::new(1, 1 << 10, 1 << 6).unwrap();
    let header = Header { wake: Threshold { data: 1, tags: 1 }, ..Header::new(capacity) };
    let memory = vec![0; words_of(capacity)].leak();
    let (writer, reader) = Ring::format(memory, &header).unwrap().split::<u64, P>(port);
    let progress = AtomicU64::new(0);
    thread::scope(|scope| {
        let reading = scope.spawn(|| read(reader, &progress));
        let ((tried, _), _) = with_handler_stack(|| {
            let post = Post::new(writer, 3);
            post.during(|| {
                for round in 0..rounds {
                    raise(libc::SIGPROF);
                    // Bound: none, if a wake is lost. Nothing else wakes the reader.
                    while progress.load(Ordering::Relaxed) < post.tried(Source::Prof) {
                        thread::yield_now();
                    }
                    if round % 256 == 0 {
                        // The reader has time to fall asleep without a limit.
                        thread::sleep(4 * SETTLE);
                    }
                }
            });
            post.end()
        });
        (reading.join().unwrap(), tried)
    })
}

#[test]
fn a_reader_sleeps_on_when_a_handler_has_written() {
    let (found, tried) = ping_pong(RingWait::new());
    found.check(&tried);
    assert_eq!((found.lost[0], found.lost[2]), (0, 0));
}

#[test]
fn an_event_on_top_of_a_write_is_not_counted() {
    let (found, tried) = ping_pong(Interrupting(RingWait::new()));
    found.check(&tried);
    let nested = tried[Source::Usr1 as usize].events();
    assert!(nested > 0);
    assert_eq!(found.lost[2], nested, "each was in the middle of a write");
}

#[test]
fn a_handler_takes_more_than_1_kib_of_stack() {
    let header = Header::new(Capacity::new(1, 1 << 6, 1 << 3).unwrap());
    let (writer, mut reader) = ring::new::<u64>(&header).unwrap();
    let ((_, context), deepest) = with_handler_stack(|| {
        let post = Post::new(writer, 1);
        // Events, full rings, losses told of in an event.
        post.during(|| {
            for round in 0..1000 {
                raise(libc::SIGPROF);
                if round % 20 == 0 {
                    let _ = reader.read().unwrap();
                }
            }
        });
        // Wakes.
        let progress = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| read(reader, &progress));
            post.during(|| {
                while progress.load(Ordering::Relaxed) < 1000 {
                    raise(libc::SIGPROF);
                }
            });
            post.end()
        })
    });
    let used = context - deepest;
    println!("{used} bytes of stack");
    assert!(used > 0 && (cfg!(debug_assertions) || used <= 1024), "{used} bytes of stack");
}
