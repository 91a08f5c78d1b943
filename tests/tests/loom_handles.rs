//! Goal: no order of loads and stores that the memory model allows loses a count in a handle, hides a
//! handle from the session, or forgets what was asked for at the gate (T06).
//! Method: loom runs the core's `counter::protocol` and `counter::gate` on its own atomics. Then each
//! Release and Acquire is taken away, one at a time, and a model must fail.
//!
//! `cargo xtask loom` runs these in an optimised build.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use tallymark_core::counter::protocol::Cells as _;
use tallymark_core::counter::state::State;
use tallymark_core::counter::{gate, protocol};
use tallymark_tests::loom_handles::{LoomGate, LoomHandle, LoomList, Operation, Weakened};
use tallymark_tests::weakened::orders;

/// Preemptions that are tried: an unoptimised build tries fewer.
const PREEMPTIONS: Option<usize> = if cfg!(debug_assertions) { Some(2) } else { None };

/// Two threads count while a third makes the place and attaches the handle (H1): there is no gate here
/// that would make up for a count left behind.
fn attaching(weakened: Weakened) {
    let handle = Arc::new(LoomHandle::new(weakened));
    let list = Arc::new(LoomList::new(1, Weakened::NOTHING));
    let adders = [(); 2].map(|()| {
        let (handle, list) = (Arc::clone(&handle), Arc::clone(&list));
        thread::spawn(move || protocol::add(&handle.cells(), &*list, 0, 1))
    });
    handle.make(0);
    protocol::attach(&handle.cells(), 0);
    for adder in adders {
        adder.join().unwrap();
    }
    assert_eq!(handle.sums(), (0, 2), "a count waits beside its place");
}

/// A handle with its gate, and which file is open: to be touched inside the gate only.
struct Session {
    handle: LoomHandle,
    list: LoomList,
    gate: LoomGate,
    open: UnsafeCell<usize>,
}

impl Session {
    fn new(weakened: Weakened) -> Self {
        let (handle, gate) = (LoomHandle::new(weakened), LoomGate::new(weakened));
        handle.make(0);
        Session { handle, list: LoomList::new(1, Weakened::NOTHING), gate, open: UnsafeCell::new(0) }
    }

    /// As `Counter::add` and `Session::serve`.
    fn add(&self) {
        if !protocol::add(&self.handle.cells(), &self.list, 0, 1) && gate::knock(&self.gate) {
            self.place();
            self.leave();
        }
    }

    /// As `Session::poll` when the week has ended.
    fn turn(&self) {
        while !gate::try_enter(&self.gate) {
            thread::yield_now();
        }
        if self.target().is_some() {
            protocol::detach(&self.handle.cells());
        }
        self.handle.make(1);
        // SAFETY: inside the gate; loom reports if somebody else is.
        self.open.with_mut(|open| unsafe { *open = 1 });
        self.place_all();
        self.leave();
    }

    fn leave(&self) {
        while !gate::leave(&self.gate) {
            self.place_all();
        }
    }

    fn target(&self) -> Option<usize> {
        // As `Counter::target`.
        match self.handle.cells().state(Ordering::Acquire) {
            State::Attached(count) => Some(count),
            State::Fresh | State::Waiting => None,
        }
    }

    fn place_all(&self) {
        if self.handle.waiting() > 0 {
            self.place();
        }
    }

    fn place(&self) {
        match self.target() {
            Some(count) => protocol::settle(&self.handle.cells(), count),
            None => {
                // SAFETY: inside the gate; loom reports if somebody else is.
                let open = self.open.with(|open| unsafe { *open });
                protocol::attach(&self.handle.cells(), open);
            }
        }
    }
}

/// Threads count and serve themselves while another goes on to the next file.
fn turning(adders: usize, adds: usize, weakened: Weakened) {
    let session = Arc::new(Session::new(weakened));
    let spawn = |_| {
        let session = Arc::clone(&session);
        thread::spawn(move || (0..adds).for_each(|_| session.add()))
    };
    let adders: Vec<_> = (0..adders).map(spawn).collect();
    session.turn();
    let made = adders.len() * adds;
    for adder in adders {
        adder.join().unwrap();
    }
    assert_eq!(session.handle.sums(), (0, made), "a count waits beside an open file");
}

#[test]
fn attach() {
    let runs = orders(PREEMPTIONS, || attaching(Weakened::NOTHING));
    println!("attach: {runs} orders");
    assert!(runs > 50, "loom tried only {runs} orders");
    for (adders, adds, preemptions) in [(1, 2, PREEMPTIONS), (2, 1, Some(3))] {
        let runs = orders(preemptions, move || turning(adders, adds, Weakened::NOTHING));
        println!("attach, turn, {adders} adders x {adds}: {runs} orders");
        assert!(runs > 50, "loom tried only {runs} orders");
    }
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
    let runs = orders(Some(3), || helping(Weakened::NOTHING));
    println!("enlist, two help one, a third comes: {runs} orders");
    assert!(runs > 50, "loom tried only {runs} orders");
    for same in [true, false] {
        let runs = orders(PREEMPTIONS, move || enlisting(same, Weakened::NOTHING));
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
    let runs = orders(PREEMPTIONS, || knocking(Weakened::NOTHING));
    println!("gate: {runs} orders");
    assert!(runs > 10, "loom tried only {runs} orders");
}

/// Each operation, and what is left of its ordering when one half is taken away.
const HALVES: [(Operation, &[Ordering]); 13] = {
    use Ordering::{Acquire, Relaxed, Release};
    [
        (Operation::StateStore, &[Relaxed]),
        (Operation::StateLoad, &[Relaxed]),
        (Operation::StateCheck, &[Relaxed]),
        (Operation::AddPending, &[Release, Acquire]),
        (Operation::TakePending, &[Acquire, Release]),
        (Operation::HeadLoad, &[Relaxed]),
        (Operation::HeadExchange, &[Relaxed]),
        (Operation::LinkLoad, &[Relaxed]),
        (Operation::LinkExchange, &[Relaxed]),
        (Operation::TryEnter, &[Relaxed]),
        (Operation::Knock, &[Release, Acquire]),
        (Operation::Leave, &[Relaxed]),
        (Operation::LeaveWithNote, &[Release, Acquire]),
    ]
};

/// Halves without which no model fails. Nothing is read through them: who takes a sum reads only the sum
/// and lands it in a count that it knows; an addition sees a taking through the taking's own Release,
/// also behind other additions (a release sequence); and who has taken a note away publishes its work
/// when it leaves.
const NOT_NEEDED: [(Operation, Ordering); 3] = [
    (Operation::AddPending, Ordering::Acquire),
    (Operation::TakePending, Ordering::Release),
    (Operation::LeaveWithNote, Ordering::Acquire),
];

#[test]
fn a_weaker_ordering_of_a_handle_is_overlooked() {
    let models: [fn(Weakened); 7] = [
        attaching,
        |weakened| turning(1, 2, weakened),
        |weakened| turning(2, 1, weakened),
        |weakened| enlisting(true, weakened),
        |weakened| enlisting(false, weakened),
        helping,
        knocking,
    ];
    let mut overlooked = Vec::new();
    let mut caught = 0;
    for (operation, halves) in HALVES {
        for &half in halves {
            let fails = models.iter().any(|&model| {
                let run = || orders(Some(2), move || model(Weakened::to(operation, half)));
                catch_unwind(AssertUnwindSafe(run)).is_err()
            });
            if fails {
                caught += 1;
            } else {
                overlooked.push((operation, half));
            }
        }
    }
    println!("{caught} weakened orderings caught, {} are not needed", overlooked.len());
    assert_eq!(overlooked, NOT_NEEDED);
}
