//! Goal: a full disk is an error, never a signal, and what was acknowledged stays readable (T30).
//! Method: on a small file system of its own, a ballast file leaves 0 to 16 blocks free; then a
//! file is made, or grown until the disk is full; then the ballast goes and counting goes on.
//!
//! Needs a file system that may be filled: `cargo xtask disk` mounts some and runs these tests with
//! `TALLYMARK_SMALL_DISK` set.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tallymark::{
    Base, Config, Contents, CountFile, Counter, ErrorKind, Name, OpenError, Program, UnixTime, counter,
};

const NOW: UnixTime = UnixTime(1_767_607_200); // 2026-01-05T10:00:00Z
const BLOCK: u64 = 4096;

/// A directory on the small disk, and the file that keeps the disk full.
struct Disk {
    directory: PathBuf,
    ballast: PathBuf,
}

impl Disk {
    /// An empty disk; directory and `weekends` are there already.
    fn new() -> Self {
        let root =
            PathBuf::from(std::env::var_os("TALLYMARK_SMALL_DISK").expect("run by `cargo xtask disk`"));
        let directory = root.join("base");
        let _ = fs::remove_dir_all(&directory);
        let disk = Disk { ballast: root.join("ballast"), directory };
        disk.release();
        fs::create_dir_all(disk.base().local()).unwrap();
        fs::write(disk.base().local().join("weekends"), "3\n").unwrap();
        disk
    }

    fn base(&self) -> Base {
        Base::new(&self.directory)
    }

    fn open(&self) -> Result<CountFile, OpenError> {
        CountFile::open(&self.base(), &Program::new("tool", "v1", "rust"), NOW)
    }

    /// Fills the disk but for some blocks.
    fn fill_but(&self, blocks: u64) {
        let mut ballast = File::create(&self.ballast).unwrap();
        while ballast.write_all(&[1; BLOCK as usize]).is_ok() {}
        let _ = ballast.sync_all();
        let full = ballast.metadata().unwrap().len();
        ballast.set_len(full.saturating_sub(blocks * BLOCK)).unwrap();
        ballast.sync_all().unwrap();
    }

    fn release(&self) {
        let _ = fs::remove_file(&self.ballast);
    }
}

fn add(file: &CountFile, i: u32) -> Result<(), tallymark::SlotError> {
    file.add(file.slot(&Name::plain(format!("a-name-of-some-length-{i}").as_bytes()).unwrap())?, 1);
    Ok(())
}

#[test]
#[ignore = "needs a small disk: cargo xtask disk"]
fn a_full_disk_neither_kills_nor_loses() {
    let mut seen_full_at_open = 0;
    for blocks in 0..=16 {
        let disk = Disk::new();
        disk.fill_but(blocks);
        let (mut counted, mut opened) = (0, None);
        match disk.open() {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
                seen_full_at_open += 1;
                let left: Vec<_> = fs::read_dir(disk.base().local()).unwrap().collect();
                assert_eq!(left.len(), 1, "an unfinished file stays behind: {left:?}");
            }
            Ok(file) => {
                let error = loop {
                    match add(&file, counted) {
                        Ok(()) => counted += 1,
                        Err(error) => break error,
                    }
                    assert!(counted < 100_000, "the disk never fills");
                };
                assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
                let contents = Contents::read(&file.path()).unwrap();
                assert_eq!((contents.total(), contents.faults), (u64::from(counted), vec![]));
                opened = Some(file);
            }
        }
        // Later calls succeed once there is room, through the same open file.
        disk.release();
        let file = opened.unwrap_or_else(|| disk.open().unwrap());
        for i in 0..1_000 {
            add(&file, i).unwrap();
        }
        let contents = Contents::read(&file.path()).unwrap();
        assert_eq!((contents.total(), contents.faults), (u64::from(counted) + 1_000, vec![]));
    }
    assert!((1..17).contains(&seen_full_at_open), "both kinds of failure were seen: {seen_full_at_open}");
}

#[test]
#[ignore = "needs a small disk: cargo xtask disk"]
fn a_sparse_file_of_another_writer_does_not_kill_on_a_full_disk() {
    let disk = Disk::new();
    let path = disk.open().unwrap().path();
    // Made longer the way Go does it: 4 bytes at the end, holes before.
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 4], 20 * 16384 - 4).unwrap();
    file.sync_all().unwrap();
    disk.fill_but(0);
    let error = disk.open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    disk.release();
    let file = disk.open().unwrap();
    for i in 0..2_000 {
        add(&file, i).unwrap();
    }
    assert_eq!(Contents::read(&path).unwrap().total(), 2_000);
}

#[test]
#[ignore = "needs a small disk: cargo xtask disk"]
fn counts_made_on_a_full_disk_do_not_land_later() {
    static COUNTERS: [Counter; 2] = [Counter::new("disk/first"), Counter::new("disk/second")];
    let clock = Arc::new(AtomicI64::new(NOW.0));
    for blocks in [0, 3, 5, 8] {
        let disk = Disk::new();
        disk.fill_but(blocks);
        let time = Arc::clone(&clock);
        let config = Config::new(Program::new("tool", "v1", "rust"))
            .dir(&disk.directory)
            .clock(move || UnixTime(time.load(Ordering::SeqCst)));
        let session = tallymark::open(config).unwrap();
        COUNTERS[0].add(3);
        let mut names = 0;
        while session.status().problem.is_none() {
            counter(&format!("disk/a-name-of-some-length:{names}")).unwrap().inc();
            names += 1;
            assert!(names < 100_000, "the disk never fills");
        }
        let problem = session.status().problem.unwrap();
        assert_eq!(problem.kind, ErrorKind::NoSpace, "{}", problem.message);
        COUNTERS[1].add(u64::MAX / 2);
        disk.release();
        clock.fetch_add(1, Ordering::SeqCst);
        COUNTERS[1].inc();
        session.poll();
        let file = session.status().file.unwrap();
        let contents = Contents::read(&file).unwrap();
        assert_eq!(contents.value(b"disk/first"), Some(3));
        assert_eq!(contents.value(b"disk/second"), Some(u64::MAX / 2 + 1));
        let named = contents.counters.iter().filter(|counter| counter.name.starts_with(b"disk/a-name"));
        assert_eq!(named.map(|counter| counter.value).sum::<u64>(), names);
        assert_eq!((session.status().waiting, session.status().problem), (0, None));
        session.close();
    }
}
