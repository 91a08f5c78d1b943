//! Goal: a process that copies itself while somebody works on the session waits for it, and neither
//! parent nor child waits for ever.
//! Method: a clock that sleeps, or forks, inside the session; an allocator that forks inside the table of
//! names, which stands for a signal handler that has interrupted it.
#![cfg(unix)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tallymark::{Counter, Session, UnixTime, counter};
use tallymark_tests::child::{in_child, wait};
use tallymark_tests::scene::{MONDAY, Scene};

/// What the next look at the clock takes, in milliseconds.
static SLEEP: AtomicU64 = AtomicU64::new(0);
/// Whether the next look at the clock forks.
static FORK: AtomicBool = AtomicBool::new(false);
/// What a fork in the middle of something has returned.
static CHILD: AtomicI32 = AtomicI32::new(-1);

thread_local! {
    /// Whether the next allocation of this thread forks.
    static FORK_ON_ALLOCATION: Cell<bool> = const { Cell::new(false) };
}

fn fork_here() {
    // SAFETY: the child does what is promised to work in one.
    CHILD.store(unsafe { libc::fork() }, Ordering::Relaxed);
}

/// Ends the child of [`fork_here`], in which `work` is done before; waits for it in the parent.
fn part(work: impl FnOnce()) {
    match CHILD.swap(-1, Ordering::Relaxed) {
        0 => {
            work();
            // SAFETY: ends the process without running what belongs to the parent.
            unsafe { libc::_exit(0) };
        }
        child => wait(child),
    }
}

/// The allocator of the system, which now and then forks.
struct Forking;

// SAFETY: all calls go to the allocator of the system.
unsafe impl GlobalAlloc for Forking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if FORK_ON_ALLOCATION.replace(false) {
            fork_here();
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
static ALLOCATOR: Forking = Forking;

fn open(scene: &Scene) -> Session {
    let clock = || {
        thread::sleep(Duration::from_millis(SLEEP.swap(0, Ordering::Relaxed)));
        if FORK.swap(false, Ordering::Relaxed) {
            fork_here();
        }
        UnixTime(MONDAY)
    };
    tallymark::open(scene.config().clock(clock)).unwrap()
}

/// Counts in another thread, which is inside the session for some time.
fn count_slowly(counter: &'static Counter, milliseconds: u64) -> thread::JoinHandle<()> {
    SLEEP.store(milliseconds, Ordering::Relaxed);
    let counting = thread::spawn(|| counter.inc());
    while SLEEP.load(Ordering::Relaxed) != 0 {
        thread::yield_now();
    }
    counting
}

#[test]
fn a_child_is_born_while_another_thread_works_for_a_second() {
    static SLOW: Counter = Counter::new("inside/second:slow");
    static NEW: Counter = Counter::new("inside/second:new");
    let scene = Scene::new();
    let mut session = Some(open(&scene));
    let counting = count_slowly(&SLOW, 1500);
    wait(in_child(|| {
        NEW.inc();
        drop(session.take());
    }));
    counting.join().unwrap();
    assert_eq!((scene.total("inside/second:slow"), scene.total("inside/second:new")), (1, 1));
}

#[test]
fn a_fork_or_its_child_waits_for_ever_for_a_thread_that_is_stuck() {
    static KNOWN: Counter = Counter::new("inside/stuck:known");
    static SLOW: Counter = Counter::new("inside/stuck:slow");
    static NEW: Counter = Counter::new("inside/stuck:new");
    let scene = Scene::new();
    let mut session = Some(open(&scene));
    KNOWN.inc();
    let counting = count_slowly(&SLOW, 5000);
    wait(in_child(|| {
        KNOWN.inc();
        NEW.inc();
        let session = session.take().unwrap();
        session.poll();
        assert_eq!((session.status().file, NEW.waiting()), (None, 1));
        // A child of the child does not wait.
        wait(in_child(|| KNOWN.inc()));
        session.close();
    }));
    assert!(!counting.is_finished(), "the fork has waited for it");
    counting.join().unwrap();
    assert_eq!((scene.total("inside/stuck:known"), scene.total("inside/stuck:slow")), (3, 1));
}

#[test]
fn a_fork_inside_the_session_waits_for_itself_or_doubles_counts() {
    static COUNT: Counter = Counter::new("inside/session");
    static NEW: Counter = Counter::new("inside/session:new");
    let scene = Scene::new();
    let session = open(&scene);
    FORK.store(true, Ordering::Relaxed);
    COUNT.inc();
    part(|| {
        NEW.inc();
        session.poll();
        assert_eq!(NEW.waiting(), 0);
    });
    assert_eq!((scene.total("inside/session"), scene.total("inside/session:new")), (1, 1));
}

#[test]
fn a_fork_inside_the_table_of_names_waits_for_itself() {
    let scene = Scene::new();
    let session = open(&scene);
    FORK_ON_ALLOCATION.set(true);
    let made = counter("inside/names").unwrap();
    made.inc();
    part(|| counter("inside/names:new").unwrap().inc());
    drop(session);
    assert_eq!((scene.total("inside/names"), scene.total("inside/names:new")), (2, 1));
}
