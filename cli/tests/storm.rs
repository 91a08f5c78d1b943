//! Goal: a killed process never costs an acknowledged count, and the demo would say so (T20).
//! Method: the demo with many kills; and once with a hand in the file, which it must notice.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use tallymark::Contents;

#[test]
fn a_storm_of_kills_costs_a_count() {
    let base = tempfile::tempdir().unwrap();
    let output = Command::cargo_bin("tallymark")
        .unwrap()
        .args(["demo", "--seconds", "1", "--kills", "100", "--processes", "2", "--threads", "2"])
        .args(["--rounds", "20", "--dir", base.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("PROVED") && said.contains("processes killed: 100"), "{said}");
}

/// The canary: a proof that cannot fail proves nothing.
#[cfg(unix)]
#[test]
fn the_demo_overlooks_a_count_that_is_taken_away() {
    use std::os::unix::fs::FileExt;

    let base = tempfile::tempdir().unwrap();
    let mut demo = Command::cargo_bin("tallymark")
        .unwrap()
        .args(["demo", "--seconds", "2", "--kills", "0", "--dir", base.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let path = PathBuf::from(first.rsplit(" into ").next().unwrap());
    let slot = loop {
        let contents = Contents::read(&path).unwrap();
        if let Some(counter) = contents.counters.iter().find(|c| c.name == b"demo/request" && c.value > 0) {
            break counter.offset;
        }
    };
    File::options().write(true).open(&path).unwrap().write_all_at(&[0; 8], slot.into()).unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(demo.wait().unwrap().code(), Some(1), "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("LOST")), "{rest:#?}");
}
