//! Goal: whatever stands in the place of a count file, nothing outside the directory is touched,
//! nothing is lost silently, and the process lives.
//! Method: each case is made with plain file operations under an open or about-to-open count file.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tallymark::{Base, Contents, CountFile, ErrorKind, Name, OpenError, Program, Rule, UnixTime};
use tallymark_core::{CounterFile, Day, Lasting, Metadata};
use tallymark_unix::{Directory, LastingFile, PortableTimer, Timer};

const NOW: UnixTime = UnixTime(1_767_607_200); // 2026-01-05T10:00:00Z
const FILE: &str = "tool@v1.2.3-go1.27.3-linux-amd64-2026-01-05.v1.count";

struct Scratch {
    directory: tempfile::TempDir,
    base: Base,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let base = Base::new(directory.path().join("base"));
        fs::create_dir_all(base.local()).unwrap();
        fs::write(base.local().join("weekends"), "3\n").unwrap();
        Scratch { directory, base }
    }

    fn open(&self) -> Result<CountFile, OpenError> {
        CountFile::open(&self.base, &program("example.com/cmd/tool"), NOW)
    }

    fn file(&self) -> PathBuf {
        self.base.local().join(FILE)
    }

    /// Opening fails with this kind, and the error is one line that names the file.
    fn refused(&self, kind: ErrorKind) {
        let error = self.open().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.to_string().contains('\n'));
    }
}

fn program(path: &str) -> Program {
    Program { os: "linux".into(), arch: "amd64".into(), ..Program::new(path, "v1.2.3", "go1.27.3") }
}

fn name(text: &str) -> Name<'_> {
    Name::plain(text.as_bytes()).unwrap()
}

fn add(file: &CountFile, text: &str, n: u64) {
    file.add(file.slot(&name(text)).unwrap(), n);
}

/// Names that fill some pages, so that the file must grow.
fn fill(file: &CountFile, prefix: &str, count: u32) -> Result<(), tallymark::SlotError> {
    (0..count).try_for_each(|i| {
        file.add(file.slot(&name(&format!("{prefix}-{i}")))?, 1);
        Ok(())
    })
}

#[test]
fn racing_creators_end_on_one_file() {
    let scratch = Scratch::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| add(&scratch.open().unwrap(), "opened", 1));
        }
    });
    let contents = Contents::read(&scratch.file()).unwrap();
    assert_eq!((contents.value(b"opened"), contents.faults.len()), (Some(8), 0));
    assert_eq!(fs::read_dir(scratch.base.local()).unwrap().count(), 2);
}

#[test]
fn racing_first_users_agree_on_the_end_of_the_week() {
    let directory = tempfile::tempdir().unwrap();
    let base = Base::new(directory.path());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| CountFile::open(&base, &program("a"), NOW).unwrap());
        }
    });
    assert_eq!(base.count_files().unwrap().len(), 1);
    let digit = fs::read_to_string(base.local().join("weekends")).unwrap();
    assert!(digit.len() == 2 && ("0\n"..="6\n").contains(&&digit[..]), "{digit:?}");
}

#[test]
fn nobody_else_can_read_a_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let base = Base::new(directory.path().join("a/b"));
    let file = CountFile::open(&base, &program("tool"), NOW).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&file.path()), mode(&base.local().join("weekends"))), (0o600, 0o600));
    assert_eq!(
        (mode(&base.local()), mode(base.path()), mode(&directory.path().join("a"))),
        (0o700, 0o700, 0o700)
    );
}

#[test]
fn a_new_file_has_real_blocks() {
    let scratch = Scratch::new();
    let file = scratch.open().unwrap();
    fill(&file, "n", 2_000).unwrap();
    let status = fs::metadata(file.path()).unwrap();
    assert!(status.blocks() * 512 >= status.len(), "{} blocks for {} bytes", status.blocks(), status.len());
}

#[test]
fn no_link_is_followed_to_a_foreign_file() {
    let scratch = Scratch::new();
    let foreign = scratch.directory.path().join("foreign");
    fs::write(&foreign, "precious").unwrap();
    symlink(&foreign, scratch.file()).unwrap();
    scratch.refused(ErrorKind::NotAFile);
    fs::remove_file(scratch.file()).unwrap();
    symlink(scratch.directory.path().join("missing"), scratch.file()).unwrap();
    scratch.refused(ErrorKind::NotAFile);
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "precious");
    assert!(!scratch.directory.path().join("missing").exists());
}

#[test]
fn no_link_is_followed_to_a_foreign_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (base, foreign) = (Base::new(directory.path().join("base")), directory.path().join("foreign"));
    fs::create_dir_all(base.path()).unwrap();
    fs::create_dir(&foreign).unwrap();
    symlink(&foreign, base.local()).unwrap();
    let error = CountFile::open(&base, &program("tool"), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAFile, "{error}");
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 0);
}

#[test]
fn a_directory_or_pipe_in_the_place_of_the_file_is_an_error_at_once() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file()).unwrap();
    scratch.refused(ErrorKind::NotAFile);
    fs::remove_dir(scratch.file()).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, scratch.file(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    scratch.refused(ErrorKind::NotAFile);
    assert!(Contents::read(&scratch.file()).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn another_program_of_the_same_base_name_is_told_apart() {
    let scratch = Scratch::new();
    add(&scratch.open().unwrap(), "mine", 1);
    let before = fs::read(scratch.file()).unwrap();
    let error = CountFile::open(&scratch.base, &program("example.org/other/tool"), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    let OpenError::Platform(error) = error else { panic!("{error}") };
    assert_eq!(error.fault().unwrap().rule, Rule::HeaderMatches);
    assert_eq!(fs::read(scratch.file()).unwrap(), before);
}

#[test]
fn a_file_that_a_dead_process_began_is_finished() {
    let scratch = Scratch::new();
    add(&scratch.open().unwrap(), "first", 1);
    let whole = fs::read(scratch.file()).unwrap();
    for begun in [0, 28, 100, 192, 4096, 16380] {
        fs::write(scratch.file(), &whole[..begun.min(192)]).unwrap();
        File::options().write(true).open(scratch.file()).unwrap().set_len(begun as u64).unwrap();
        add(&scratch.open().unwrap(), "second", 2);
        let contents = Contents::read(&scratch.file()).unwrap();
        assert_eq!((contents.value(b"second"), contents.faults.len()), (Some(2), 0), "begun {begun}");
    }
}

#[test]
fn a_short_file_of_other_content_is_left_alone() {
    let scratch = Scratch::new();
    fs::write(scratch.file(), "a letter to a friend").unwrap();
    scratch.refused(ErrorKind::Damaged);
    assert_eq!(fs::read_to_string(scratch.file()).unwrap(), "a letter to a friend");
}

#[test]
fn a_deleted_file_is_noticed_when_it_would_grow() {
    let scratch = Scratch::new();
    let file = scratch.open().unwrap();
    add(&file, "before", 1);
    file.check().unwrap();
    fs::remove_file(scratch.file()).unwrap();
    assert_eq!(file.check().unwrap_err().kind(), ErrorKind::Moved);
    assert_eq!(fill(&file, "n", 2_000).unwrap_err().kind(), ErrorKind::Moved);
    add(&scratch.open().unwrap(), "after", 1);
    assert_eq!(Contents::read(&scratch.file()).unwrap().value(b"after"), Some(1));
}

#[test]
fn a_replaced_file_is_noticed_and_the_new_one_is_used() {
    let scratch = Scratch::new();
    let file = scratch.open().unwrap();
    add(&file, "n", 5);
    let copy = scratch.directory.path().join("copy");
    fs::copy(scratch.file(), &copy).unwrap();
    fs::rename(&copy, scratch.file()).unwrap();
    assert_eq!(file.check().unwrap_err().kind(), ErrorKind::Moved);
    add(&scratch.open().unwrap(), "n", 1);
    assert_eq!(Contents::read(&scratch.file()).unwrap().value(b"n"), Some(6));
}

#[test]
fn a_file_cut_short_is_an_error_and_the_process_lives() {
    for left in [0, 100, 16384] {
        let scratch = Scratch::new();
        let file = scratch.open().unwrap();
        fill(&file, "n", 2_000).unwrap();
        let slot = file.slot(&name("n-1999")).unwrap();
        let length = fs::metadata(scratch.file()).unwrap().len();
        File::options().write(true).open(scratch.file()).unwrap().set_len(left).unwrap();
        assert_eq!(file.check().unwrap_err().kind(), ErrorKind::CutShort);
        // The pages are there again: adding through an old slot cannot kill the process.
        file.add(slot, 1);
        assert_eq!(fs::metadata(scratch.file()).unwrap().len(), length);
        // What is left is read; a file that was cut to nothing is begun anew.
        match scratch.open() {
            Ok(again) if left == 0 => add(&again, "new", 1),
            Ok(again) => drop(again),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{error}"),
        }
    }
}

#[test]
fn a_file_longer_than_allowed_is_refused_and_one_that_would_be_is_not_grown() {
    let scratch = Scratch::new();
    let small = || CountFile::open_with_capacity(&scratch.base, &program("example.com/cmd/tool"), NOW, 32768);
    let file = small().unwrap();
    assert_eq!(fill(&file, "n", 2_000).unwrap_err().kind(), ErrorKind::TooLong);
    assert_eq!(fs::metadata(scratch.file()).unwrap().len(), 32768);
    add(&file, "n-0", 1);
    fill(&scratch.open().unwrap(), "m", 2_000).unwrap();
    assert_eq!(small().unwrap_err().kind(), ErrorKind::TooLong);
}

#[test]
fn growth_by_another_is_taken_in() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.open().unwrap(), scratch.open().unwrap());
    fill(&one, "n", 2_000).unwrap();
    fill(&other, "n", 2_000).unwrap();
    let contents = Contents::read(&scratch.file()).unwrap();
    assert_eq!((contents.counters.len(), contents.total(), contents.faults.len()), (2_000, 4_000, 0));
}

/// Once a thread that had just looked at the file's length took the growth by another for a cut.
#[test]
fn threads_that_grow_one_file_disturb_each_other() {
    let scratch = Scratch::new();
    let file = scratch.open().unwrap();
    // Five records fill a page, so that every few insertions grow the file.
    let long = "x".repeat(3_000);
    let (count, fillers) = (1_000, 4);
    let left = AtomicU32::new(fillers);
    thread::scope(|scope| {
        for thread in 0..fillers {
            let (file, long, left) = (&file, &long, &left);
            scope.spawn(move || {
                fill(file, &format!("{long}-{thread}"), count).unwrap();
                left.fetch_sub(1, Ordering::Relaxed);
            });
            scope.spawn(move || {
                while left.load(Ordering::Relaxed) > 0 {
                    file.check().unwrap();
                }
            });
        }
    });
    let contents = Contents::read(&scratch.file()).unwrap();
    assert_eq!((contents.total(), contents.faults.len()), (u64::from(fillers * count), 0));
}

/// Method: a count is taken from a file that stays mapped, the file is closed, and the count is added
/// to: the file has it, and nobody dies.
#[test]
fn a_thread_adds_through_memory_that_is_gone() {
    let scratch = Scratch::new();
    let local = Arc::new(Directory::open(&*scratch.base.local()).unwrap());
    let metadata = Metadata {
        time_begin: Day::from_civil(2026, 1, 5).unwrap(),
        time_end: Day::from_civil(2026, 1, 7).unwrap(),
        program: "example.com/cmd/tool",
        version: "v1.2.3",
        toolchain: "go1.27.3",
        os: "linux",
        arch: "amd64",
    };
    let header = metadata.encode().unwrap();
    let store = LastingFile::open(&local, FILE, &header, 1 << 20).unwrap();
    let file = CounterFile::new(store, header);
    let slots: Vec<_> = (0..2000).map(|i| file.slot(&name(&format!("lasting-{i}"))).unwrap()).collect();
    let counts: Vec<_> = slots.iter().map(|&slot| file.store().count(slot).unwrap()).collect();
    drop(file);
    // Something else may now take the addresses that were given back.
    let _others: Vec<_> =
        (0..8).map(|_| LastingFile::open(&local, FILE, &metadata.encode().unwrap(), 1 << 20)).collect();
    for count in counts {
        count.add(2);
    }
    let contents = Contents::read(&scratch.file()).unwrap();
    assert_eq!((contents.total(), contents.faults), (4000, vec![]));
}

/// Method: a descriptor of another open file asks for the file alone, as a report does.
#[test]
fn a_file_that_is_counted_into_can_be_removed_by_a_report() {
    let scratch = Scratch::new();
    let file = scratch.open().unwrap();
    let other = File::open(scratch.file()).unwrap();
    let alone = || rustix::fs::flock(&other, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    assert_eq!(alone(), Err(rustix::io::Errno::WOULDBLOCK));
    drop(file);
    assert_eq!(alone(), Ok(()));
    scratch.refused(ErrorKind::InUse);
    drop(other);
    drop(scratch.open().unwrap());
}

/// Method: the time is past, or another thread stops the timer; how long it takes is not asked.
#[test]
fn a_timer_that_is_due_or_stopped_waits_for_ever() {
    for year in [1970, 2020] {
        assert!(Timer::new().wait_until(Day::from_civil(year, 1, 1).unwrap().unix()));
        assert!(PortableTimer::new().wait_until(Day::from_civil(year, 1, 1).unwrap().unix()));
    }
    let never = Day::LAST.unix();
    let (timer, portable) = (Timer::new(), PortableTimer::new());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| (timer.wait_until(never), portable.wait_until(never)));
        timer.stop();
        portable.stop();
        assert_eq!(waiting.join().unwrap(), (false, false));
    });
    assert!(!timer.wait_until(never) && !portable.wait_until(never));
}
