//! Goal: small files change whole or not at all, and a file is taken only when nobody counts into it.
//! Method: a second descriptor stands for another process; plain file operations for strangers.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use tallymark_core::ErrorKind;
use tallymark_unix::{Directory, is_alive};

fn scratch() -> (tempfile::TempDir, Directory) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::open(scratch.path()).unwrap();
    (scratch, directory)
}

#[test]
fn a_replaced_file_is_open_to_others_or_leaves_a_part_behind() {
    let (scratch, directory) = scratch();
    for content in ["first", "second and longer", ""] {
        directory.replace("mode", content.as_bytes()).unwrap();
        assert_eq!(fs::read(scratch.path().join("mode")).unwrap(), content.as_bytes());
    }
    assert_eq!(fs::metadata(scratch.path().join("mode")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(directory.names().unwrap(), ["mode"]);
}

#[test]
fn a_refused_replacement_leaves_a_part_behind() {
    let (scratch, directory) = scratch();
    fs::create_dir(scratch.path().join("mode")).unwrap();
    assert_eq!(directory.replace("mode", b"on").unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(directory.names().unwrap(), ["mode"]);
}

#[test]
fn what_a_link_leads_to_is_written_locked_or_removed() {
    let (scratch, directory) = scratch();
    let target = scratch.path().join("target");
    fs::write(&target, "mine").unwrap();
    symlink(&target, scratch.path().join("link")).unwrap();
    assert_eq!(directory.take_exclusive("link").unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(directory.modified("link").unwrap(), None);
    directory.replace("link", b"new").unwrap();
    assert!(!scratch.path().join("link").is_symlink());
    fs::remove_file(scratch.path().join("link")).unwrap();
    symlink(&target, scratch.path().join("link")).unwrap();
    assert!(directory.remove("link").unwrap());
    assert!(!directory.remove("link").unwrap());
    assert_eq!(fs::read(&target).unwrap(), b"mine");
}

#[test]
fn a_file_in_use_is_taken() {
    let (scratch, directory) = scratch();
    fs::write(scratch.path().join("counts"), "counts").unwrap();
    let user = File::open(scratch.path().join("counts")).unwrap();
    flock(&user, FlockOperation::LockShared).unwrap();
    assert!(directory.take_exclusive("counts").unwrap().is_none());
    drop(user);
    let taken = directory.take_exclusive("counts").unwrap().unwrap();
    assert_eq!(taken.read().unwrap(), b"counts");
    assert!(directory.take_exclusive("counts").unwrap().is_none(), "taken twice");
    drop(taken);
    assert!(directory.take_exclusive("counts").unwrap().is_some(), "it stays locked");
    assert_eq!(directory.take_exclusive("missing").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_that_was_replaced_is_renamed_or_removed() {
    let (scratch, directory) = scratch();
    fs::write(scratch.path().join("counts"), "old").unwrap();
    let mut taken = directory.take_exclusive("counts").unwrap().unwrap();
    directory.replace("counts", b"new").unwrap();
    assert_eq!(taken.rename("other").unwrap_err().kind(), ErrorKind::Moved);
    assert_eq!(taken.remove().unwrap_err().kind(), ErrorKind::Moved);
    assert_eq!(fs::read(scratch.path().join("counts")).unwrap(), b"new");

    let mut taken = directory.take_exclusive("counts").unwrap().unwrap();
    fs::write(scratch.path().join("there"), "there").unwrap();
    assert!(taken.rename("there").is_err(), "a rename replaces");
    taken.rename("elsewhere").unwrap();
    assert_eq!(taken.name(), "elsewhere");
    taken.remove().unwrap();
    assert_eq!(directory.names().unwrap(), ["there"]);
}

#[test]
fn a_directory_that_is_gone_passes_for_the_one_in_its_place() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("base");
    let before = Directory::create(path.clone()).unwrap();
    before.create_subdirectory("local").unwrap();
    assert!(!before.is_removed());
    fs::rename(&path, scratch.path().join("elsewhere")).unwrap();
    assert!(!before.is_removed(), "it is only renamed");
    fs::remove_dir_all(scratch.path().join("elsewhere")).unwrap();
    let after = Directory::create(path).unwrap();
    assert!(before.is_removed() && !after.is_removed());
}

#[test]
fn a_living_process_is_taken_for_a_dead_one() {
    let mut child = Command::new("true").spawn().unwrap();
    let number = child.id();
    child.wait().unwrap();
    assert!(!is_alive(number) && !is_alive(0) && !is_alive(u32::MAX));
    assert!(is_alive(std::process::id()) && is_alive(1));
}
