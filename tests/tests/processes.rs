//! Goal: processes that make new counters in one file at once lose none and make none twice, while the
//! file grows under them.
//! Method: N processes count the same names and names of their own; every total is then known.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tallymark::{Base, COUNT_FILE_SUFFIX, Contents};

fn start(base: &Path, names: u32, rounds: u32) -> Child {
    Command::new(env!("CARGO_BIN_EXE_counting"))
        .arg(base)
        .args([names.to_string(), rounds.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn counted_by(processes: u32, names: u32, rounds: u32) {
    let scratch = tempfile::tempdir().unwrap();
    let running: Vec<Child> = (0..processes).map(|_| start(scratch.path(), names, rounds)).collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    let files = Base::new(scratch.path()).count_files().unwrap();
    let [file] = &files[..] else { panic!("{files:?}: all processes end on one file") };
    let contents = Contents::read(file).unwrap();
    assert_eq!(contents.faults, []);
    assert_eq!(contents.counters.len() as u32, names * (processes + 1));
    for counter in &contents.counters {
        let shared = counter.name.starts_with(b"shared-");
        assert_eq!(counter.value, u64::from(if shared { rounds * processes } else { rounds }));
    }
    assert_eq!(contents.length % 16384, 0);
    let strangers: Vec<_> = std::fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(COUNT_FILE_SUFFIX) && name != "weekends")
        .collect();
    assert_eq!(strangers, [] as [String; 0], "no private file is left behind");
}

#[test]
fn two_processes_lose_no_name_and_no_count() {
    counted_by(2, if cfg!(debug_assertions) { 2_000 } else { 10_000 }, 2);
}

#[test]
fn eight_processes_lose_no_name_and_no_count() {
    counted_by(8, if cfg!(debug_assertions) { 500 } else { 10_000 }, 2);
}

#[test]
fn thirty_two_processes_lose_no_name_and_no_count() {
    counted_by(32, if cfg!(debug_assertions) { 50 } else { 2_000 }, 2);
}

#[test]
fn a_file_that_is_being_counted_into_looks_damaged() {
    let scratch = tempfile::tempdir().unwrap();
    let names = if cfg!(debug_assertions) { 5_000 } else { 20_000 };
    let mut running: Vec<Child> = (0..3).map(|_| start(scratch.path(), names, 2)).collect();
    let mut looks = 0;
    while running.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        for file in Base::new(scratch.path()).count_files().unwrap() {
            let contents = Contents::read(&file).unwrap();
            assert_eq!((contents.faults, contents.orphans), (vec![], vec![]), "after {looks} looks");
            looks += 1;
        }
    }
    assert!(looks > 0);
    assert!(running.iter_mut().all(|child| child.wait().unwrap().success()));
}
