//! Goal: what a program counts lands in the right file, whatever stood in the way before.
//! Method: one obstacle after the other is put before a session and taken away; the sums of all files
//! are the counts made.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tallymark::{ConfigError, Counter, ErrorKind, Program, StackCounter, UnixTime, counter};
use tallymark_tests::scene::{DAY, MONDAY, Scene, WEEK, program};

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn counts_made_before_the_session_are_lost() {
    static EARLY: Counter = Counter::new("session/early");
    let scene = Scene::new();
    EARLY.add(u64::from(u32::MAX) * 5); // more than 33 bits
    EARLY.inc();
    assert_eq!((EARLY.value(), EARLY.waiting()), (None, u64::from(u32::MAX) * 5 + 1));
    let session = scene.open();
    EARLY.add(2);
    assert_eq!((EARLY.value(), EARLY.waiting()), (Some(u64::from(u32::MAX) * 5 + 3), 0));
    assert_eq!(session.status().waiting, 0);
    assert_eq!(scene.total("session/early"), u64::from(u32::MAX) * 5 + 3);
}

#[test]
fn a_counter_that_never_counted_is_in_the_file() {
    static IDLE: Counter = Counter::new("session/idle");
    let scene = Scene::new();
    let session = scene.open();
    counter("session/idle-dynamic").unwrap();
    session.poll();
    assert_eq!(IDLE.waiting(), 0);
    IDLE.add(0);
    drop(session);
    assert!(!scene.totals().contains_key("session/idle-dynamic"));
}

#[test]
fn counts_made_while_no_file_can_be_opened_are_lost() {
    static COUNT: Counter = Counter::new("session/obstacle");
    let scene = Scene::new();
    let weekends = scene.base.local().join("weekends");
    fs::remove_dir_all(scene.base.path()).unwrap();
    fs::write(scene.base.path(), "in the way").unwrap();

    let session = scene.open();
    COUNT.add(3);
    let problem = session.status().problem.unwrap();
    assert!(!problem.message.contains('\n') && problem.message.contains("base"), "{}", problem.message);
    assert_eq!(problem.retry_at, Some(UnixTime(MONDAY + 1)));
    assert_eq!((session.status().waiting, COUNT.value()), (3, None));

    fs::remove_file(scene.base.path()).unwrap();
    fs::create_dir_all(scene.base.local()).unwrap();
    fs::write(weekends, "3\n").unwrap();
    COUNT.inc();
    assert_eq!(COUNT.waiting(), 4, "it is not tried again within the same second");
    scene.set_clock(MONDAY + 1);
    COUNT.inc();
    assert_eq!((COUNT.value(), COUNT.waiting()), (Some(5), 0));
    assert_eq!(session.status().problem, None);
    assert_eq!(scene.total("session/obstacle"), 5);
}

/// Method: what stood in the way is gone, and the delay after the failure is not over.
#[test]
fn what_waits_for_the_next_try_is_lost_when_the_session_ends() {
    static COUNT: Counter = Counter::new("session/end");
    for close in [false, true] {
        let scene = Scene::new();
        fs::rename(scene.base.path(), scene.directory.path().join("aside")).unwrap();
        fs::write(scene.base.path(), "in the way").unwrap();
        let session = scene.open();
        COUNT.add(3);
        fs::remove_file(scene.base.path()).unwrap();
        fs::rename(scene.directory.path().join("aside"), scene.base.path()).unwrap();
        session.poll();
        assert_eq!(COUNT.waiting(), 3, "a poll does not try before it is time");
        if close {
            session.close()
        } else {
            drop(session)
        }
        assert_eq!((scene.total("session/end"), COUNT.waiting()), (3, 0));
    }
}

#[test]
fn counts_made_while_the_mode_is_off_are_lost_or_put_into_a_file() {
    static COUNT: Counter = Counter::new("session/mode");
    let scene = Scene::new();
    let mode = scene.base.path().join("mode");
    fs::write(&mode, "off\n").unwrap();
    let session = scene.open();
    COUNT.add(2);
    assert_eq!((session.status().is_on, COUNT.waiting(), scene.files().len()), (false, 2, 0));

    fs::write(&mode, "on 2026-01-05\n").unwrap();
    scene.set_clock(MONDAY + 1); // a running process looks once a second
    COUNT.inc();
    assert_eq!((COUNT.value(), scene.total("session/mode")), (Some(3), 3));

    fs::write(&mode, "off").unwrap();
    session.poll();
    COUNT.add(4);
    assert_eq!((COUNT.waiting(), scene.total("session/mode")), (4, 3));

    fs::remove_file(&mode).unwrap(); // none means local
    session.poll();
    assert_eq!((COUNT.waiting(), scene.total("session/mode")), (0, 7));
}

/// Method: the directory is deleted and made anew with a mode, all between two looks.
#[test]
fn a_mode_that_came_with_a_new_directory_is_not_read() {
    static COUNT: Counter = Counter::new("session/anew");
    let scene = Scene::new();
    let session = scene.open();
    COUNT.inc();
    fs::remove_dir_all(scene.base.path()).unwrap();
    fs::create_dir_all(scene.base.path()).unwrap();
    fs::write(scene.base.path().join("mode"), "off").unwrap();
    session.poll();
    COUNT.add(5);
    assert_eq!((session.status().is_on, COUNT.waiting(), scene.files().len()), (false, 5, 0));
}

#[test]
fn a_deleted_file_swallows_counts_for_ever() {
    static COUNT: Counter = Counter::new("session/deleted");
    static LATER: Counter = Counter::new("session/deleted:later");
    let scene = Scene::new();
    let session = scene.open();
    COUNT.inc();
    let (path, _) = scene.files().remove(0);
    fs::remove_file(&path).unwrap();
    // The first use of another counter notices, in the next second.
    scene.set_clock(MONDAY + 1);
    LATER.add(7);
    COUNT.add(5);
    assert_eq!((scene.total("session/deleted"), scene.total("session/deleted:later")), (5, 7));

    // The whole directory, and nothing but a poll.
    fs::remove_dir_all(scene.base.path()).unwrap();
    session.poll();
    COUNT.add(9);
    assert_eq!(scene.total("session/deleted"), 9);
}

#[test]
fn a_cut_file_swallows_counts_for_ever() {
    static COUNT: Counter = Counter::new("session/cut");
    let scene = Scene::new();
    let session = scene.open();
    COUNT.inc();
    let (path, _) = scene.files().remove(0);
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    session.poll();
    let cut = session.status().problem;
    COUNT.add(5);
    session.poll();
    COUNT.add(6);
    assert_eq!(scene.total("session/cut"), 11, "{cut:?}");
}

#[test]
fn a_damaged_file_keeps_its_counters_waiting_for_a_week() {
    static COUNT: Counter = Counter::new("session/damaged");
    let scene = Scene::new();
    {
        let _session = scene.open();
        COUNT.inc();
    }
    let (path, contents) = scene.files().remove(0);
    // A ring in the chain of another name, which then cannot be found or made.
    let damaged = contents.counters.iter().find(|counter| counter.name == b"session/damaged").unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let next = damaged.offset as usize + 12;
    bytes[next..next + 4].copy_from_slice(&damaged.offset.to_ne_bytes());
    fs::write(&path, &bytes).unwrap();
    let bucket = tallymark::core::format::layout::hash(b"session/damaged");
    let other = (0..).map(|n| format!("session/damaged:{n}"));
    let other = other.clone().find(|name| tallymark::core::format::layout::hash(name.as_bytes()) == bucket);

    let session = scene.open();
    let other = counter(&other.unwrap()).unwrap();
    other.add(5);
    assert_eq!((other.waiting(), other.value()), (0, Some(5)));
    let spare = session.status().file.unwrap();
    assert!(file_name(&spare).starts_with("tool+"), "{}", spare.display());
    assert_ne!(spare, path);
    COUNT.inc();
    assert_eq!(COUNT.value(), Some(1));
}

/// Method: two programs of one name, one after the other; Go's tools find files by their ending and
/// read whose they are inside.
#[test]
fn two_programs_with_one_base_name_silence_each_other() {
    static COUNT: Counter = Counter::new("session/twins");
    let scene = Scene::new();
    for (path, n) in [("example.com/a/tool", 1), ("example.com/b/tool", 2), ("example.com/a/tool", 10)] {
        let _session = tallymark::open(scene.config_of(program(path))).unwrap();
        COUNT.add(n);
    }
    let mut found: Vec<(String, u64)> = scene
        .files()
        .into_iter()
        .map(|(path, contents)| {
            let name = file_name(&path);
            assert!(name.ends_with("@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count"), "{name}");
            let program = contents.preamble.get("Program").unwrap().to_owned();
            (program, contents.value(b"session/twins").unwrap())
        })
        .collect();
    found.sort();
    assert_eq!(found, [("example.com/a/tool".to_owned(), 11), ("example.com/b/tool".to_owned(), 2)]);
}

/// The vectors of the format document, section 6: weeks end on Wednesday.
#[test]
fn a_file_has_another_name_or_span_than_go_gives_it() {
    static COUNT: Counter = Counter::new("session/spans");
    for (days, begin, end) in [
        (0, "2026-01-05", "2026-01-07"),
        (1, "2026-01-06", "2026-01-07"),
        (2, "2026-01-07", "2026-01-14"),
        (3, "2026-01-08", "2026-01-14"),
    ] {
        let scene = Scene::new();
        scene.set_clock(MONDAY + days * DAY);
        let session = scene.open();
        COUNT.inc();
        let (path, contents) = scene.files().remove(0);
        assert_eq!(file_name(&path), format!("tool@v1.2.3-go1.27.3-linux-amd64-{begin}.v1.count"));
        let value = |key| contents.preamble.get(key).unwrap().to_owned();
        assert_eq!(value("TimeBegin"), format!("{begin}T00:00:00Z"));
        assert_eq!(value("TimeEnd"), format!("{end}T00:00:00Z"));
        assert_eq!(session.status().time_end.unwrap().to_string(), end);
    }
}

#[test]
fn the_week_ends_only_for_programs_with_a_thread() {
    static FIRST: Counter = Counter::new("session/lazy:first");
    static SECOND: Counter = Counter::new("session/lazy:second");
    let scene = Scene::new();
    let session = scene.open();
    FIRST.inc();
    // 2026-01-07T00:00:00Z: the span ends, and nobody polls.
    scene.set_clock(MONDAY - MONDAY % DAY + 2 * DAY);
    SECOND.inc();
    FIRST.add(10);
    let of = |begin: &str| {
        let files = scene.files();
        let (_, contents) = files.iter().find(|(path, _)| file_name(path).contains(begin)).unwrap();
        (contents.value(b"session/lazy:first"), contents.value(b"session/lazy:second"))
    };
    assert_eq!(of("2026-01-05"), (Some(1), None));
    assert_eq!(of("2026-01-07"), (Some(10), Some(1)));
    // A clock that is set back by weeks goes back to the file of that time.
    scene.set_clock(MONDAY - 4 * WEEK);
    session.poll();
    FIRST.inc();
    assert_eq!(of("2025-12-08"), (Some(1), None));
}

#[test]
fn a_stack_counter_is_no_stack_in_the_file() {
    static STACKS: StackCounter = StackCounter::new("session/stack", 3);
    let scene = Scene::new();
    let session = scene.open();
    for _ in 0..3 {
        STACKS.inc();
    }
    drop(session);
    let (_, contents) = scene.files().remove(0);
    let stack = contents.counters.iter().find(|counter| counter.is_stack()).unwrap();
    assert_eq!(stack.value, 3);
    assert!(stack.name.starts_with(b"session/stack\n"));
}

#[test]
fn a_session_that_could_never_work_is_opened() {
    let scene = Scene::new();
    let bad = Program { version: "v1/2".into(), ..program("tool") };
    assert!(matches!(tallymark::open(scene.config_of(bad)), Err(ConfigError::Program(_))));
    let session = scene.open();
    assert_eq!(tallymark::open(scene.config()).unwrap_err(), ConfigError::AlreadyOpen);
    drop(session);
    drop(scene.open());
}

#[test]
fn what_counts_is_readable_by_others() {
    static COUNT: Counter = Counter::new("session/private");
    let scene = Scene::new();
    fs::remove_dir_all(scene.base.path()).unwrap();
    let session = scene.open();
    COUNT.inc();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scene.base.path().into()), 0o700);
    assert_eq!(mode(scene.base.local()), 0o700);
    assert_eq!(mode(session.status().file.unwrap()), 0o600);
    assert_eq!(mode(scene.base.local().join("weekends")), 0o600);
}

#[test]
fn a_file_is_in_use_after_its_session_is_closed() {
    static COUNT: Counter = Counter::new("session/closed");
    let scene = Scene::new();
    let session = scene.open();
    COUNT.inc();
    let name = file_name(&session.status().file.unwrap());
    let local = tallymark_unix::Directory::open(scene.base.local()).unwrap();
    assert!(local.take_exclusive(&name).unwrap().is_none());
    session.close();
    assert!(local.take_exclusive(&name).unwrap().is_some());
}

#[test]
fn looking_changes_what_is_looked_at() {
    static COUNT: Counter = Counter::new("session/looked-at");
    let scene = Scene::new();
    COUNT.add(2);
    let session = scene.open();
    COUNT.inc();
    let before = fs::read(session.status().file.unwrap()).unwrap();
    let seen = session.snapshot();
    let seen = seen.iter().find(|counter| counter.name == COUNT.name()).unwrap();
    assert_eq!((seen.value, seen.waiting), (Some(3), 0));
    assert_eq!(fs::read(session.status().file.unwrap()).unwrap(), before);
    assert!(!matches!(session.status().problem.map(|problem| problem.kind), Some(ErrorKind::Damaged)));
}
