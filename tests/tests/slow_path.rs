//! Goal: a counter may be used in a signal handler, its slow path too: it allocates nothing, keeps
//! `errno`, and does not wait for what it has interrupted.
//! Method: an allocator that ends the process while a counter is used; then a storm of signals whose
//! handler counts, in a thread that makes new names all the time.
#![cfg(unix)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tallymark::{Counter, counter};
use tallymark_tests::scene::{MONDAY, Scene, WEEK};

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// The allocator of the system, unless it is forbidden.
struct Strict;

// SAFETY: all calls go to the allocator of the system.
unsafe impl GlobalAlloc for Strict {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if FORBIDDEN.get() {
            FORBIDDEN.set(false);
            eprintln!("allocation of {} bytes in the path of a counter", layout.size());
            std::process::abort();
        }
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static STRICT: Strict = Strict;

/// Runs `work` without allocation.
fn strictly(work: impl FnOnce()) {
    FORBIDDEN.set(true);
    work();
    FORBIDDEN.set(false);
}

/// The clock of these tests allocates nothing either.
#[test]
fn the_path_of_a_counter_allocates() {
    static NEW: Counter = Counter::new("slow/new");
    static EARLY: Counter = Counter::new("slow/early");
    let scene = Scene::new();
    let names: Vec<&'static Counter> =
        (0..3000).map(|n| counter(&format!("slow/growth:{n}:{}", "x".repeat(90))).unwrap()).collect();
    counter("slow/known").unwrap();
    strictly(|| EARLY.inc());
    // A name that is known costs nothing, however often it is asked for.
    strictly(|| (0..1000).for_each(|_| assert!(counter("slow/known").is_ok())));
    let session = scene.open();
    strictly(|| {
        NEW.inc();
        names.iter().for_each(|name| name.inc()); // the file grows some 20 times
    });
    for week in 1..6 {
        scene.set_clock(MONDAY + week * WEEK); // the next file, lazily
        strictly(|| {
            NEW.inc();
            names.iter().for_each(|name| name.inc());
        });
    }
    // A full file: an error, again and again.
    strictly(|| {
        for name in &names {
            name.add(2);
        }
    });
    let many: Vec<&'static Counter> =
        (0..12_000).map(|n| counter(&format!("slow/full:{n}:{}", "y".repeat(90))).unwrap()).collect();
    strictly(|| many.iter().for_each(|name| name.inc()));
    assert!(session.status().problem.is_some(), "1 MiB is too small for these names");
    assert_eq!(scene.total("slow/new"), 6);
    assert_eq!(scene.total("slow/early"), 1);
    let growth: u64 = scene.totals().iter().filter(|(name, _)| name.contains("growth")).map(|(_, n)| n).sum();
    assert_eq!(growth, 3000 * 8);
    // They land where there is room.
    scene.set_clock(MONDAY + 6 * WEEK);
    drop(session);
}

static IN_HANDLER: [Counter; 3] =
    [Counter::new("slow/handler:0"), Counter::new("slow/handler:1"), Counter::new("slow/handler:2")];
static HANDLED: AtomicU64 = AtomicU64::new(0);
static ERRNO_CHANGED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_: libc::c_int) {
    // SAFETY: the address of this thread's errno.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    for counter in &IN_HANDLER {
        counter.inc();
    }
    HANDLED.fetch_add(1, Ordering::Relaxed);
    // SAFETY: as above.
    let after = unsafe { *errno };
    if before != after {
        ERRNO_CHANGED.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_handler_waits_for_what_it_interrupts_or_loses_counts() {
    let scene = Scene::new();
    let session = scene.open();
    let on_signal: extern "C" fn(libc::c_int) = handler;
    // SAFETY: the handler does only what a handler may.
    unsafe { libc::signal(libc::SIGPROF, on_signal as libc::sighandler_t) };
    let every = libc::timeval { tv_sec: 0, tv_usec: 100 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: both pointers are good for the call.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, std::ptr::null_mut()) };
    let rounds = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    for n in 0..rounds {
        counter(&format!("slow/main:{}", n % 4000)).unwrap().inc();
        if n % 500 == 0 {
            // The handler's counters, and all others, need new places.
            scene.set_clock(MONDAY + n / 500 % 8 * WEEK);
            if n % 1000 == 0 {
                session.poll();
            }
        }
    }
    let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer = libc::itimerval { it_interval: none, it_value: none };
    // SAFETY: as above.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, std::ptr::null_mut()) };
    drop(session);
    let totals = scene.totals();
    let handled = HANDLED.load(Ordering::Relaxed);
    assert!(handled > 0, "no signal has come");
    assert_eq!(ERRNO_CHANGED.load(Ordering::Relaxed), 0, "the interrupted code sees another errno");
    for counter in &IN_HANDLER {
        assert_eq!(totals[std::str::from_utf8(counter.name()).unwrap()], handled);
    }
    let main: u64 = totals.iter().filter(|(name, _)| name.starts_with("slow/main:")).map(|(_, n)| n).sum();
    assert_eq!(main, rounds as u64);
}
