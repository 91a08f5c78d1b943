//! Goal: whatever stands in the place of a file, nothing is lost silently and nothing of others is
//! overwritten; a file grows past its first chunk under threads and handles with exact totals.
//! Method: each case is made with plain file operations under an open or about-to-open count file.
#![cfg(windows)]

mod scratch;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::symlink_file;
use std::sync::atomic::Ordering;
use std::thread;

use tallymark_core::format::layout::{FILE_MIN, PAGE};
use tallymark_core::{CounterFile, ErrorKind, FileError, Mapped, Name, ReadWords, Region, Rule, Store};
use tallymark_windows::{Directory, MappedFile};

use scratch::{CHUNK, FILE, Scratch, count, header, value};

#[test]
fn a_file_has_the_bytes_that_the_core_makes_in_memory() {
    let scratch = Scratch::new("bytes");
    let region = Region::<{ FILE_MIN as usize / 4 }>::new();
    let memory = Mapped::from_words(region.words()).unwrap();
    let memory = CounterFile::format(memory, &header("example.com/cmd/tool")).unwrap();
    for (text, n) in [("gophers", 1), ("n988", 2), ("n1426", 2), ("n1667", 2)] {
        count(&memory, text, n);
        count(&scratch.counters(), text, n); // opened again for each
    }
    let expected: Vec<_> =
        region.words().iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
    assert_eq!(fs::read(scratch.path()).unwrap(), expected);
}

#[test]
fn totals_are_exact_while_threads_and_handles_grow_a_file_over_chunks() {
    let scratch = Scratch::new("growth");
    let filler = "x".repeat(900);
    let names: Vec<_> = (0..400).map(|index| format!("{index}:{filler}")).collect();
    let files = [scratch.counters(), scratch.counters()]; // two mappings, as in two processes
    let first = files[0].slot(&Name::plain(b"first").unwrap()).unwrap();
    thread::scope(|scope| {
        for (worker, file) in files.iter().cycle().take(6).enumerate() {
            let names = &names;
            scope.spawn(move || {
                for index in 0..names.len() {
                    count(file, &names[(index * 7 + worker * 61) % names.len()], 1);
                    file.add(first, 1).unwrap();
                }
            });
        }
    });
    let length = files[0].store().words().length();
    assert!(length > 5 * CHUNK, "{length}");
    for file in &files {
        assert_eq!(file.value(first), Ok(6 * 400));
        assert!(names.iter().all(|name| value(file, name) == 6));
        file.store().check().unwrap();
    }
    drop(files);
    let again = scratch.counters();
    assert_eq!(fs::metadata(scratch.path()).unwrap().len(), u64::from(length));
    assert!(names.iter().all(|name| value(&again, name) == 6));
}

#[test]
fn a_file_does_not_pass_its_capacity() {
    let scratch = Scratch::new("capacity");
    let header = header("example.com/cmd/tool");
    let small = MappedFile::open(&scratch.0, FILE, &header, 1).unwrap();
    let small = CounterFile::new(small, header.clone());
    let filler = "x".repeat(4000);
    let error = (0..100)
        .find_map(|index| small.slot(&Name::plain(format!("{index}{filler}").as_bytes()).unwrap()).err());
    match error {
        Some(FileError::Store(error)) => assert_eq!(error.kind(), ErrorKind::TooLong, "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::metadata(scratch.path()).unwrap().len(), u64::from(CHUNK));
    scratch.open().unwrap().grow(2 * CHUNK).unwrap();
    assert_eq!(small.store().remap().unwrap_err().kind(), ErrorKind::TooLong);
}

#[test]
fn of_several_makers_all_get_one_file() {
    let scratch = Scratch::new("makers");
    let text = |maker: u32| format!("maker{maker}");
    let open: Vec<_> = thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|maker| {
                let scratch = &scratch;
                scope.spawn(move || {
                    let file = scratch.counters();
                    count(&file, &text(maker), 1);
                    file
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(open.iter().all(|file| (0..8).all(|maker| value(file, &text(maker)) == 1)));
    // The winner's private name may stay as long as others have the file mapped, and no longer.
    drop(open);
    let names: Vec<_> =
        fs::read_dir(scratch.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE]);
    assert!((0..8).all(|maker| value(&scratch.counters(), &text(maker)) == 1));
}

#[test]
fn made_content_is_not_replaced() {
    let scratch = Scratch::new("make");
    assert_eq!(scratch.0.read("weekends", &mut [0; 16]).unwrap(), None);
    let won: Vec<_> = thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|digit| {
                let directory = &scratch.0;
                let content = format!("{digit}\n").into_bytes();
                scope.spawn(move || directory.make("weekends", &content).unwrap().then_some(content))
            })
            .collect();
        makers.into_iter().filter_map(|maker| maker.join().unwrap()).collect()
    });
    assert_eq!(won.len(), 1);
    assert_eq!(scratch.0.read("weekends", &mut [0; 16]).unwrap().unwrap(), won[0]);
    assert_eq!(scratch.0.read("weekends", &mut [0; 1]).unwrap().unwrap(), &won[0][..1]);
}

/// Not on Wine 8, which pretends to make links, nor without the right to make them.
#[test]
fn a_link_is_not_followed() {
    let scratch = Scratch::new("link");
    let target = scratch.0.path().join("target");
    fs::write(&target, "target").unwrap();
    let made = symlink_file(&target, scratch.path());
    if !fs::symlink_metadata(scratch.path()).is_ok_and(|metadata| metadata.is_symlink()) {
        println!("left out: no link was made: {made:?}");
        return;
    }
    assert_eq!(scratch.open().unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(scratch.0.read(FILE, &mut [0; 1]).unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(scratch.0.create_subdirectory(FILE).unwrap_err().kind(), ErrorKind::NotAFile);
    assert!(!scratch.0.make(FILE, b"new").unwrap());
    assert_eq!(fs::read(&target).unwrap(), b"target");
}

#[test]
fn what_is_no_file_is_refused() {
    let scratch = Scratch::new("kinds");
    fs::create_dir(scratch.path()).unwrap();
    assert_eq!(scratch.open().unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(scratch.0.read(FILE, &mut [0; 1]).unwrap_err().kind(), ErrorKind::NotAFile);
    scratch.0.make("plain", b"").unwrap();
    assert_eq!(scratch.0.create_subdirectory("plain").unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(Directory::open(scratch.0.path().join("plain")).unwrap_err().kind(), ErrorKind::NotAFile);
    let missing = Directory::open(scratch.0.path().join("missing")).unwrap_err();
    assert_eq!((missing.kind(), missing.errno()), (ErrorKind::NotFound, Some(2)));
    let made = scratch.0.create_subdirectory("made").unwrap();
    assert_eq!(made.path(), scratch.0.create_subdirectory("made").unwrap().path());
}

#[test]
fn a_file_of_another_is_refused_and_left_alone() {
    let scratch = Scratch::new("other");
    scratch.refused(b"something else", ErrorKind::Damaged);
    let mut other = header("example.com/cmd/TOOL").bytes().to_vec();
    other.resize(FILE_MIN as usize, 0);
    let error = scratch.refused(&other, ErrorKind::Damaged);
    assert_eq!(error.fault().unwrap().rule, Rule::HeaderMatches);
}

#[test]
fn a_file_that_was_begun_is_finished() {
    let scratch = Scratch::new("begun");
    let header = header("example.com/cmd/tool");
    let mut full = header.bytes().to_vec();
    full.resize(FILE_MIN as usize, 0);
    let lengths = [0, 1, 100, header.bytes().len()];
    let begun = lengths.map(|length| header.bytes()[..length].to_vec());
    let zeros = [vec![0; 100], vec![0; FILE_MIN as usize]];
    for content in begun.into_iter().chain(zeros) {
        fs::write(scratch.path(), &content).unwrap();
        scratch.open().unwrap();
        assert_eq!(fs::read(scratch.path()).unwrap(), full, "of {} bytes", content.len());
    }
}

#[test]
fn a_file_that_was_moved_away_is_noticed() {
    let scratch = Scratch::new("moved");
    let old = scratch.counters();
    old.store().check().unwrap();
    let away = scratch.0.path().join("away");
    fs::rename(scratch.path(), &away).unwrap();
    let kinds = || {
        let store = old.store();
        [store.check(), store.grow(2 * PAGE), store.remap()].map(|result| result.unwrap_err().kind())
    };
    assert_eq!(kinds(), [ErrorKind::Moved; 3]);
    let new = scratch.counters();
    assert_eq!(kinds(), [ErrorKind::Moved; 3]);
    count(&old, "old", 1); // still a file, elsewhere
    count(&new, "new", 1);
    assert_eq!(fs::metadata(&away).unwrap().len(), u64::from(FILE_MIN));
}

#[test]
fn a_deleted_file_is_noticed_or_cannot_be_deleted() {
    let scratch = Scratch::new("deleted");
    let file = scratch.open().unwrap();
    match fs::remove_file(scratch.path()) {
        // Wine 8: the name leads to the file until its last handle is closed.
        Ok(()) if File::open(scratch.path()).is_ok() => println!("left out: the name is still there"),
        Ok(()) => assert_eq!(file.check().unwrap_err().kind(), ErrorKind::Moved),
        Err(error) => {
            println!("refused: {error}");
            file.check().unwrap();
        }
    }
}

#[test]
fn a_mapped_file_cannot_be_cut_or_the_cut_is_noticed() {
    let scratch = Scratch::new("cut");
    let file = scratch.counters();
    file.store().grow(5 * PAGE).unwrap();
    let cutter = OpenOptions::new().write(true).open(scratch.path()).unwrap();
    match cutter.set_len(PAGE.into()) {
        Ok(()) => assert_eq!(file.store().check().unwrap_err().kind(), ErrorKind::CutShort),
        Err(error) => {
            println!("refused: {error}");
            file.store().check().unwrap();
        }
    }
    assert_eq!(cutter.metadata().unwrap().len(), u64::from(5 * PAGE));
    assert_eq!(file.store().words().load32(5 * PAGE - 4, Ordering::Relaxed), Ok(0));
}

#[test]
fn growing_never_shortens() {
    let scratch = Scratch::new("longer");
    let files = [scratch.open().unwrap(), scratch.open().unwrap()];
    let mut lengths = HashSet::new();
    for (file, to) in files.iter().cycle().zip([1, 6, 2, 9, 4]) {
        file.grow(to * PAGE).unwrap();
        assert!(file.words().length() >= to * PAGE);
        lengths.insert(fs::metadata(scratch.path()).unwrap().len() / u64::from(PAGE));
    }
    assert_eq!(lengths, HashSet::from([1, 6, 9]));
}
