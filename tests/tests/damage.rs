//! Goal: any damage is named, nothing good is lost with it, and no writer makes it worse (T14).
//! Method: every file of `tallymark_tests::damage::cases` is judged; the verdicts stand in
//! `tests/data/damaged.txt`, where a person has read them. `TALLYMARK_WRITE_VERDICTS=1` writes them
//! anew, to be read again.

use std::collections::BTreeSet;
use std::path::Path;

use tallymark_core::Rule;
use tallymark_tests::damage::{cases, verdict::judge};

/// Rules that bytes alone cannot break: they are about two headers, or about a change over time.
const OF_WRITERS: [Rule; 3] = [Rule::HeaderMatches, Rule::LimitRises, Rule::ChainKeepsHead];

fn verdicts() -> String {
    let lines = cases::all().into_iter().map(|case| {
        let verdict = judge(&case.image);
        format!(
            "{:<42} exit {}  {:<62} writer: {}\n",
            case.name, verdict.exit, verdict.reader, verdict.writer
        )
    });
    lines.collect()
}

#[test]
fn damage_is_overlooked_or_costs_good_counters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/damaged.txt");
    let found = verdicts();
    if std::env::var_os("TALLYMARK_WRITE_VERDICTS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn a_file_has_no_name_or_a_rule_no_file() {
    let cases = cases::all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 60 + 16, "{} files, 16 of them healthy", cases.len());
    let verdicts = verdicts();
    for rule in Rule::ALL.iter().filter(|rule| !OF_WRITERS.contains(rule)) {
        assert!(verdicts.contains(rule.name()), "no file breaks {}", rule.name());
    }
}
