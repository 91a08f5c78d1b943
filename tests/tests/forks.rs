//! Goal: a process that copies itself in the middle of everything neither loses a count nor makes one
//! twice (T26).
//! Method: threads count and make new names, some counts wait for want of a file, and meanwhile the
//! process forks; each child counts through what it inherited. The sums of all files are the counts
//! made.
#![cfg(unix)]

use std::fs;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tallymark::{Counter, StackCounter, counter};
use tallymark_tests::child::{in_child, wait};
use tallymark_tests::scene::{MONDAY, Scene};

static BEFORE: Counter = Counter::new("forks/before");
static CHILD: Counter = Counter::new("forks/child");
static CHILD_NEW: Counter = Counter::new("forks/child:new");
static THREADS: Counter = Counter::new("forks/threads");

/// The threads of this process that have the name of a session's.
#[cfg(target_os = "linux")]
fn session_threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    threads.flatten().map(name).filter(|name| name == "tallymark\n").count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_drops_its_session_stops_the_parents_thread() {
    let scene = Scene::new();
    let mut session = Some(tallymark::open(scene.config().background(true)).unwrap());
    while session_threads() == 0 {
        thread::yield_now();
    }
    wait(in_child(|| drop(session.take())));
    // Time for the thread to end.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(session_threads(), 1);
}

#[test]
fn counts_that_waited_are_counted_by_parent_and_child() {
    let scene = Scene::new();
    let mode = scene.base.path().join("mode");
    fs::write(&mode, "off").unwrap();
    let session = scene.open();
    BEFORE.add(5);
    let children: Vec<_> = (0..4)
        .map(|_| {
            in_child(|| {
                BEFORE.inc();
                // The child turns counting on for itself.
                let _ = fs::remove_file(&mode);
                session.poll();
            })
        })
        .collect();
    children.into_iter().for_each(wait);
    session.poll();
    assert_eq!(scene.total("forks/before"), 5 + 4);
}

#[test]
fn a_fork_in_the_middle_of_counting_loses_or_doubles_counts() {
    let scene = Scene::new();
    let session = scene.open();
    let stop = AtomicBool::new(false);
    let forks = if cfg!(debug_assertions) { 60 } else { 400 };
    let (counted, names) = thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let stop = &stop;
                scope.spawn(move || {
                    let (mut counted, mut names) = (0u64, 0u64);
                    while !stop.load(Ordering::Relaxed) {
                        THREADS.inc();
                        counted += 1;
                        if counted % 50 == 0 {
                            counter(&format!("forks/{thread}:{}", names % 3000)).unwrap().inc();
                            names += 1;
                        }
                    }
                    (counted, names)
                })
            })
            .collect();
        for fork in 0..forks {
            // Now and then the week ends: handles wait while the process is copied.
            scene.set_clock(MONDAY + fork / 20 * 7 * 86_400);
            let child = in_child(|| {
                for _ in 0..100 {
                    CHILD.inc();
                }
                CHILD_NEW.add(3);
            });
            wait(child);
        }
        stop.store(true, Ordering::Relaxed);
        let sums = threads.into_iter().map(|thread| thread.join().unwrap());
        sums.fold((0, 0), |(counted, names), (c, n)| (counted + c, names + n))
    });
    drop(session);
    let totals = scene.totals();
    assert_eq!(totals["forks/child"], forks as u64 * 100);
    assert_eq!(totals["forks/child:new"], forks as u64 * 3);
    assert_eq!(totals["forks/threads"], counted);
    let dynamic: u64 = totals
        .iter()
        .filter(|(name, _)| (0..3).any(|thread| name.starts_with(&format!("forks/{thread}:"))))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(dynamic, names);
}

/// Method: two threads count one stack all the time, so that most forks meet one that walks it.
#[test]
fn a_child_waits_for_a_thread_that_walked_a_stack() {
    static STACKS: StackCounter = StackCounter::new("forks/stacks", 8);
    let scene = Scene::new();
    let session = scene.open();
    let stop = AtomicBool::new(false);
    let counted: u64 = thread::scope(|scope| {
        let threads = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut counted = 0;
                while !stop.load(Ordering::Relaxed) {
                    STACKS.inc();
                    counted += 1;
                }
                counted
            })
        });
        let waited = catch_unwind(|| (0..50).for_each(|_| wait(in_child(|| STACKS.inc()))));
        stop.store(true, Ordering::Relaxed);
        assert!(waited.is_ok(), "a child hangs");
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    drop(session);
    let totals = scene.totals();
    let stacks = totals.iter().filter(|(name, _)| name.starts_with("forks/stacks\n"));
    assert_eq!(stacks.map(|(_, n)| n).sum::<u64>(), counted + 50);
}
