//! The bounds at which the protocol is explored.

use tallymark_core::format::layout::hash;

use super::table::Scenario;

/// Two short names of one bucket, found by trying.
fn colliding() -> Vec<String> {
    let first = "a".to_owned();
    let bucket = hash(first.as_bytes());
    let second = (0..).map(|n| format!("b{n}")).find(|name| hash(name.as_bytes()) == bucket);
    second.map_or_else(Vec::new, |second| vec![first, second])
}

fn scenario(name: &'static str, processes: &[&[usize]]) -> Scenario {
    Scenario {
        name,
        processes: processes.iter().map(|work| work.to_vec()).collect(),
        names: colliding(),
        // One record fits the first page; the second makes the file grow.
        left_in_page: 64,
        crashes: true,
        like_go: None,
        limit_went_back: false,
        expects_laid_counter: true,
    }
}

/// Bounds that an unoptimised build explores in seconds.
#[must_use]
pub fn small() -> Vec<Scenario> {
    vec![
        scenario("2 processes x 2 increments, one bucket", &[&[0, 1], &[1, 0]]),
        Scenario {
            like_go: Some(0),
            ..scenario("2 processes, one grows the file like Go", &[&[0, 1], &[1]])
        },
        Scenario { limit_went_back: true, ..scenario("2 processes, the limit has gone back", &[&[1], &[1]]) },
    ]
}

/// The bounds of every CI run: 3 processes x 2 increments x 2 names, growth, crashes anywhere.
#[must_use]
pub fn full() -> Vec<Scenario> {
    let two_buckets = vec!["a".to_owned(), "b".to_owned()];
    vec![
        scenario("3 processes x 2 increments x 2 names of one bucket", &[&[0, 1], &[0, 1], &[0, 1]]),
        Scenario {
            names: two_buckets,
            ..scenario("3 processes x 2 increments x 2 names of two buckets", &[&[0, 1], &[0, 1], &[0, 1]])
        },
        Scenario {
            like_go: Some(0),
            ..scenario("3 processes, one grows the file like Go", &[&[0, 1], &[0], &[1]])
        },
        Scenario {
            limit_went_back: true,
            ..scenario("3 processes, the limit has gone back", &[&[0, 1], &[1], &[1]])
        },
    ]
}

/// Bounds that take minutes.
#[must_use]
pub fn long() -> Vec<Scenario> {
    vec![
        scenario("3 processes, one the other way round", &[&[0, 1], &[0, 1], &[1, 0]]),
        Scenario {
            like_go: Some(0),
            ..scenario("3 processes, one grows the file like Go, five increments", &[&[0, 1], &[0, 1], &[1]])
        },
    ]
}
