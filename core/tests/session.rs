//! Goal: handles, rotation and waiting need nothing but words and a host: no `std`, no allocation, no
//! clock of their own.
//! Method: a host over static memory, with a clock, a switch and failures that the test turns, as
//! firmware would write it. Go by `core::` only, but for the test harness.

use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use tallymark_core::port::{ErrorKind, Full, Host, Opened};
use tallymark_core::session::Trouble;
use tallymark_core::words::{Lasted, Words};
use tallymark_core::{Counter, CounterFile, Day, Metadata, Name, Region, Session, Store, Weekday};

const MONDAY: i64 = 1_767_607_200; // 2026-01-05T10:00:00Z
const WEEK: i64 = 7 * 86_400;

/// Each test has a device of its own.
struct Switches {
    now: AtomicI64,
    is_on: AtomicBool,
    fails: AtomicBool,
    opened: AtomicU32,
    memory: [Region<4096>; 3],
}

impl Switches {
    const fn new() -> Self {
        Switches {
            now: AtomicI64::new(MONDAY),
            is_on: AtomicBool::new(true),
            fails: AtomicBool::new(false),
            opened: AtomicU32::new(0),
            memory: [const { Region::new() }; 3],
        }
    }
}

struct Device(&'static Switches);

impl Host for Device {
    type Store = Lasted;
    type Error = Full;

    fn now(&self) -> i64 {
        self.0.now.load(Ordering::Relaxed)
    }

    fn is_on(&mut self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// Weeks take turns in three regions.
    fn open(&mut self, now: i64, spare: bool) -> Result<Opened<Lasted>, Full> {
        let full = Full { need: 16384, have: 0 };
        if self.0.fails.load(Ordering::Relaxed) {
            return Err(full);
        }
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        let begin = Day::from_unix(now).ok_or(full)?;
        let end = Weekday::new(3).and_then(|wednesday| begin.span_end(wednesday)).ok_or(full)?;
        let region = if spare { 2 } else { usize::from(now >= MONDAY + WEEK) };
        let metadata = Metadata {
            time_begin: begin,
            time_end: end,
            program: "device",
            version: "",
            toolchain: "rust",
            os: "none",
            arch: "arm",
        };
        let header = metadata.encode().map_err(|_| full)?;
        let store = Lasted::new(self.0.memory[region].words()).map_err(|_| full)?;
        let file = if header.check(store.words()).is_ok() {
            CounterFile::new(store, header)
        } else {
            CounterFile::format(store, &header).map_err(|_| full)?
        };
        Ok(Opened { file, begin, end })
    }

    fn check(&mut self, _: &Lasted) -> Result<(), Full> {
        Ok(())
    }

    fn kind(_: &Full) -> ErrorKind {
        ErrorKind::NoSpace
    }
}

/// A counter of a static session.
macro_rules! counter {
    ($session:ident, $name:literal) => {
        match Name::plain($name) {
            Ok(name) => Counter::new(&$session, name),
            Err(_) => panic!("a name that no file can hold"),
        }
    };
}

fn value(counter: &'static Counter<Device>) -> Option<u64> {
    counter.target().map(|count| count.value())
}

#[test]
fn a_week_in_static_memory_ends_in_the_wrong_place() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    static B: Counter<Device> = counter!(SESSION, b"b");
    A.add(2);
    assert_eq!((A.waiting(), value(&A)), (2, None));
    SESSION.start(Device(&SWITCHES));
    A.add(1);
    assert_eq!(value(&A), Some(3));
    let before = A.target().unwrap();
    SWITCHES.now.store(MONDAY + WEEK, Ordering::Relaxed);
    B.add(5); // notices
    assert_eq!((value(&A), value(&B)), (None, Some(5)));
    before.add(10); // a thread that had loaded the place before
    A.add(1);
    assert_eq!((value(&A), before.value()), (Some(1), 13));
    assert_eq!(SESSION.counters().iter().count(), 2);
}

#[test]
fn a_host_that_fails_is_asked_at_every_count_or_never_again() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    SWITCHES.fails.store(true, Ordering::Relaxed);
    SESSION.start(Device(&SWITCHES));
    let retry_at = || SESSION.view(|view| view.retry_at);
    let mut waits = [0; 4];
    for wait in &mut waits {
        A.add(1);
        let now = SWITCHES.now.load(Ordering::Relaxed);
        *wait = retry_at().unwrap() - now;
        SWITCHES.now.store(now + *wait, Ordering::Relaxed);
    }
    assert_eq!(waits, [1, 2, 4, 8]);
    assert!(SESSION.view(|view| matches!(view.trouble, Some(Trouble::Open(_)))));
    SWITCHES.fails.store(false, Ordering::Relaxed);
    A.add(1);
    assert_eq!((value(&A), A.waiting(), retry_at()), (Some(5), 0, None));
    assert!(SESSION.view(|view| view.trouble.is_none()));
}

#[test]
fn a_full_memory_loses_counts_or_stops_the_others() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    SESSION.start(Device(&SWITCHES));
    A.add(1);
    let mut waiting = 0;
    for n in 0..300 {
        let name: &'static str = Box::leak(format!("a-name-that-fills-the-memory-{n}").into_boxed_str());
        let counter = Box::leak(Box::new(Counter::new(&SESSION, Name::plain(name.as_bytes()).unwrap())));
        counter.add(3);
        waiting += counter.waiting();
        A.add(1);
    }
    assert!(waiting > 0, "16 KiB are not enough for 300 names");
    assert_eq!(value(&A), Some(301));
    assert!(SESSION.view(|view| matches!(view.trouble, Some(Trouble::Grow(_)))));
    let sum = |session: &'static Session<Device>| session.counters().iter().map(|c| c.waiting()).sum::<u64>();
    assert_eq!(sum(&SESSION), waiting);
    // The next week has room for those that wait.
    SWITCHES.now.store(MONDAY + WEEK, Ordering::Relaxed);
    SESSION.poll(MONDAY + WEEK);
    assert_eq!(sum(&SESSION), 0);
}

/// Method: the chain of the counter leads to no record, and the host fails once when it is asked for the
/// spare file.
#[test]
fn a_spare_file_that_fails_once_is_asked_for_at_every_count_or_never_again() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    SESSION.start(Device(&SWITCHES));
    let bucket = Name::plain(b"a").unwrap().bucket();
    let head = SESSION.view(|view| view.open.unwrap().file.header().layout().bucket_at(bucket));
    let store = Lasted::new(SWITCHES.memory[0].words()).unwrap();
    store.words().store32(head, 77, Ordering::Relaxed).unwrap();
    SWITCHES.fails.store(true, Ordering::Relaxed);
    A.add(1);
    let retry_at = || SESSION.view(|view| view.retry_at);
    assert_eq!((A.waiting(), retry_at()), (1, Some(MONDAY + 1)));
    SWITCHES.fails.store(false, Ordering::Relaxed);
    A.add(1);
    assert_eq!((A.waiting(), SWITCHES.opened.load(Ordering::Relaxed)), (2, 1));
    assert!(SESSION.view(|view| matches!(view.trouble, Some(Trouble::Open(_)))));
    SWITCHES.now.store(MONDAY + 1, Ordering::Relaxed);
    A.add(1);
    assert_eq!((value(&A), A.waiting(), retry_at()), (Some(3), 0, None));
    assert!(SESSION.view(|view| view.trouble.is_none()));
}

#[test]
fn what_is_switched_off_is_counted_into_memory_all_the_same() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    SWITCHES.is_on.store(false, Ordering::Relaxed);
    SESSION.start(Device(&SWITCHES));
    A.add(4);
    assert_eq!((value(&A), A.waiting(), SWITCHES.opened.load(Ordering::Relaxed)), (None, 4, 0));
    SWITCHES.is_on.store(true, Ordering::Relaxed);
    A.add(1);
    assert_eq!(A.waiting(), 5, "the switch is looked at once a second");
    SWITCHES.now.fetch_add(1, Ordering::Relaxed);
    A.add(1);
    assert_eq!(value(&A), Some(6));
    SESSION.stop();
    A.add(7);
    assert_eq!((value(&A), A.waiting()), (None, 7));
}

/// Method: who is inside is a hold that is kept; the copy of the process is this one.
#[test]
fn a_copy_of_a_process_waits_for_a_thread_that_it_lacks() {
    static SWITCHES: Switches = Switches::new();
    static SESSION: Session<Device> = Session::new();
    static A: Counter<Device> = counter!(SESSION, b"a");
    static B: Counter<Device> = counter!(SESSION, b"b");
    SESSION.start(Device(&SWITCHES));
    A.add(1);
    let inside = SESSION.hold().unwrap();
    assert!(SESSION.hold().is_none());
    B.add(2);
    SESSION.abandon();
    assert_eq!(B.waiting(), 0, "what waits is counted twice");
    A.add(1);
    B.add(4);
    SESSION.poll(MONDAY);
    SESSION.finish(MONDAY);
    assert!(SESSION.view(|view| view.host.is_none()));
    assert_eq!((value(&A), B.waiting()), (Some(2), 4));
    // It was the thread that lives on.
    drop(inside);
    assert!(SESSION.view(|view| view.host.is_some()));
    assert_eq!((value(&B), B.waiting()), (Some(4), 0));
}
