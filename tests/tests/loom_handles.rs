//! Goal: no order of loads and stores that the memory model allows loses a count in a handle, hides a
//! handle from the session, or forgets what was asked for at the gate (T06).
//! Method: loom runs the core's `counter::protocol` and `counter::gate` on its own atomics. Then each
//! Release and Acquire is made Relaxed, one at a time, and a test must fail.
//!
//! `cargo xtask loom` runs these in an optimised build.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize as Plain, Ordering};

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use tallymark_core::counter::{gate, protocol};
use tallymark_tests::loom_handles::{LoomGate, LoomHandle, LoomList, Weakened};

/// Preemptions that are tried: an unoptimised build tries fewer.
const PREEMPTIONS: Option<usize> = if cfg!(debug_assertions) { Some(2) } else { None };

/// Runs a model in every order with at most so many preemptions; returns how many orders there were.
fn run(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) -> usize {
    let runs = std::sync::Arc::new(Plain::new(0));
    let count = std::sync::Arc::clone(&runs);
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    runs.load(Ordering::Relaxed)
}

/// Two threads count while a third makes the place, attaches the handle, and detaches it again.
fn attaching(weakened: Weakened) {
    let handle = Arc::new(LoomHandle::new(true, weakened));
    let list = Arc::new(LoomList::new(1, Weakened::Nothing));
    protocol::enlist(&*list, 0);
    let adders: Vec<_> = (0..2)
        .map(|_| {
            let (handle, list) = (Arc::clone(&handle), Arc::clone(&list));
            thread::spawn(move || protocol::add(&*handle, &*list, 0, 1))
        })
        .collect();
    // SAFETY: loom reports a read that races with this.
    handle.exists.with_mut(|exists| unsafe { *exists = 1 });
    protocol::attach(&*handle, ());
    for adder in adders {
        adder.join().unwrap();
    }
    assert_eq!(handle.sums(), (0, 2), "a count waits beside its place");
}

#[test]
fn attach() {
    let runs = run(PREEMPTIONS, || attaching(Weakened::Nothing));
    println!("attach: {runs} orders");
    assert!(runs > 50, "loom tried only {runs} orders");
}

/// Two threads enlist: the same handle, or two; a third walks the list meanwhile.
fn enlisting(same: bool, weakened: Weakened) {
    let list = Arc::new(LoomList::new(2, weakened));
    let nodes = if same { [0, 0] } else { [0, 1] };
    let threads = nodes.map(|node| {
        let list = Arc::clone(&list);
        thread::spawn(move || protocol::enlist(&*list, node))
    });
    let seen = list.members();
    assert!(seen.len() <= 2);
    for thread in threads {
        thread.join().unwrap();
    }
    let mut members = list.members();
    members.sort_unstable();
    assert_eq!(members, if same { vec![0] } else { vec![0, 1] });
}

/// Two threads enlist one handle while a third enlists another.
fn helping(weakened: Weakened) {
    let list = Arc::new(LoomList::new(2, weakened));
    let threads = [0, 1].map(|node| {
        let list = Arc::clone(&list);
        thread::spawn(move || protocol::enlist(&*list, node))
    });
    protocol::enlist(&*list, 0);
    for thread in threads {
        thread.join().unwrap();
    }
    let mut members = list.members();
    members.sort_unstable();
    assert_eq!(members, [0, 1], "a handle is lost");
}

#[test]
fn enlist() {
    let runs = run(Some(3), || helping(Weakened::Nothing));
    println!("enlist, two help one, a third comes: {runs} orders");
    assert!(runs > 50, "loom tried only {runs} orders");
    for same in [true, false] {
        let runs = run(PREEMPTIONS, move || enlisting(same, Weakened::Nothing));
        println!("enlist, same handle {same}: {runs} orders");
        assert!(runs > 50, "loom tried only {runs} orders");
    }
}

/// Two threads ask for something and knock; whoever is inside does all that was asked for.
fn knocking(weakened: Weakened) {
    let gate = Arc::new(LoomGate::new(weakened));
    let asked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let done = Arc::new(UnsafeCell::new([0; 2]));
    let work = |asked: &[AtomicUsize; 2], done: &UnsafeCell<[usize; 2]>| {
        // SAFETY: who is inside the gate is alone; loom reports if not.
        done.with_mut(|done| unsafe { *done = [0, 1].map(|i| asked[i].load(Ordering::Relaxed)) });
    };
    let threads = [0, 1].map(|i| {
        let (gate, asked, done) = (Arc::clone(&gate), Arc::clone(&asked), Arc::clone(&done));
        thread::spawn(move || {
            asked[i].store(1, Ordering::Relaxed);
            if gate::knock(&*gate) {
                work(&asked, &done);
                while !gate::leave(&*gate) {
                    work(&asked, &done);
                }
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    // SAFETY: all threads have ended.
    let done = done.with(|done| unsafe { *done });
    assert_eq!(done, [1, 1], "what was asked for is not done");
}

#[test]
fn gate_is_shut() {
    let runs = run(PREEMPTIONS, || knocking(Weakened::Nothing));
    println!("gate: {runs} orders");
    assert!(runs > 10, "loom tried only {runs} orders");
}

#[test]
fn a_weaker_ordering_of_a_handle_is_overlooked() {
    use Weakened::{
        AddPending, HeadExchange, HeadLoad, Knock, Leave, LeaveWithNote, LinkExchange, LinkLoad, StateLoad,
        StateStore, TakePending,
    };
    let mut overlooked = Vec::new();
    let mut check = |weakened: Weakened, models: &[fn(Weakened)]| {
        let fails = models.iter().any(|&model| {
            let run = || run(Some(3), move || model(weakened));
            catch_unwind(AssertUnwindSafe(run)).is_err()
        });
        if !fails {
            overlooked.push(weakened);
        }
    };
    for weakened in [StateStore, StateLoad, AddPending, TakePending] {
        check(weakened, &[attaching]);
    }
    for weakened in [HeadLoad, HeadExchange, LinkLoad, LinkExchange] {
        check(
            weakened,
            &[|weakened| enlisting(true, weakened), |weakened| enlisting(false, weakened), helping],
        );
    }
    for weakened in [Knock, Leave, LeaveWithNote] {
        check(weakened, &[knocking]);
    }
    assert_eq!(overlooked, []);
}
