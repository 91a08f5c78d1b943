//! Goal: small files change whole or not at all, and a file is taken only when nobody has it open.
//! Method: a second handle stands for another process.
#![cfg(windows)]

use std::fs::{self, File};

use tallymark_core::ErrorKind;
use tallymark_windows::{Directory, is_alive};

#[test]
fn a_file_in_use_is_taken_or_a_replacement_leaves_a_part_behind() {
    let path = std::env::temp_dir().join(format!("tallymark-small-{}", std::process::id()));
    let directory = Directory::create(&*path).unwrap();
    for content in ["first", "second and longer"] {
        directory.replace("counts", content.as_bytes()).unwrap();
        assert_eq!(fs::read(path.join("counts")).unwrap(), content.as_bytes());
    }
    assert_eq!(directory.names().unwrap(), ["counts"]);
    assert!(directory.modified("counts").unwrap().is_some());

    let user = File::open(path.join("counts")).unwrap();
    assert!(directory.take_exclusive("counts").unwrap().is_none());
    drop(user);
    let mut taken = directory.take_exclusive("counts").unwrap().unwrap();
    assert_eq!(taken.read().unwrap(), b"second and longer");
    assert!(directory.take_exclusive("counts").unwrap().is_none(), "taken twice");
    taken.rename("elsewhere").unwrap();
    assert_eq!(directory.names().unwrap(), ["elsewhere"]);
    taken.remove().unwrap();
    assert_eq!(directory.take_exclusive("elsewhere").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!directory.remove("elsewhere").unwrap());
    fs::remove_dir_all(&path).unwrap();
}

#[test]
fn a_living_process_is_taken_for_a_dead_one() {
    assert!(is_alive(std::process::id()));
    assert!(!is_alive(u32::MAX));
}
