//! The bounds that are explored.

use tallymark_core::ring::Index;

use super::{Scenario, Task};

/// Shortly before both counts wrap.
const LATE: Index = Index::new(0xffff_fffb, 0x3fff_fffe);

fn scenario(name: &'static str, stacks: &[u8], is_closed: bool) -> Scenario {
    let close = is_closed.then_some(Task::Close);
    let tasks = stacks.iter().map(|&stack| Task::Write(stack)).chain(close).collect();
    let start = Index::default();
    let (reader_dies, has_halves, naps_are_too_short) = (false, false, false);
    Scenario {
        name,
        tasks,
        interrupts: 0,
        after_kill: None,
        reader_dies,
        has_halves,
        naps_are_too_short,
        start,
    }
}

/// For each run of the tests in a build that is not optimised: one of each kind.
#[must_use]
pub fn tiny() -> Vec<Scenario> {
    vec![
        scenario("3 events, closed", &[1, 0, 1], true),
        scenario("3 events, not closed", &[1, 1, 1], false),
        scenario("an event too large, closed", &[7, 1], true),
        scenario("2 events too large, not closed", &[7, 7], false),
        Scenario {
            naps_are_too_short: true,
            ..scenario("3 events, not closed, short naps", &[1, 1, 1], false)
        },
        Scenario {
            naps_are_too_short: true,
            ..scenario("an event too large, closed, short naps", &[7, 1], true)
        },
        Scenario { interrupts: 1, ..scenario("an event and one on top, closed", &[1], true) },
        Scenario { reader_dies: true, ..scenario("an event, a reader killed, closed", &[1], true) },
        Scenario {
            has_halves: true,
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("an event, killed, 1 more, closed, halves", &[1], false)
        },
    ]
}

/// For each run of the tests. The large ones come last: most mutants never get there.
#[must_use]
pub fn small() -> Vec<Scenario> {
    let mut all = tiny();
    all.extend([
        Scenario {
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("2 events, killed, 1 more, closed", &[1, 1], false)
        },
        Scenario {
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("an event too large, killed, 1 more, closed", &[7], false)
        },
        Scenario {
            after_kill: Some(vec![Task::Write(7), Task::Close]),
            ..scenario("an event too large, killed, another, closed", &[7], false)
        },
        Scenario {
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("an event too large and another, killed, 1 more, closed", &[7, 1], false)
        },
        Scenario { reader_dies: true, ..scenario("3 events, a reader killed, closed", &[1, 1, 1], true) },
        Scenario { has_halves: true, ..scenario("3 events, closed, halves", &[1, 2, 1], true) },
        Scenario {
            has_halves: true,
            reader_dies: true,
            ..scenario("2 events, a reader killed, closed, halves", &[1, 1], true)
        },
        scenario("a full ring, not closed", &[5, 5, 5, 5], false),
        Scenario { interrupts: 1, ..scenario("2 events and one on top, closed", &[1, 1], true) },
        Scenario { start: LATE, ..scenario("4 events across the wrap, closed", &[1, 2, 1, 1], true) },
        Scenario { interrupts: 2, ..scenario("an event and 2 on top, not closed", &[1], false) },
        Scenario {
            reader_dies: true,
            ..scenario("2 events too large and 1 other, a reader killed, closed", &[7, 7, 1], true)
        },
    ]);
    all
}

/// For each run of `cargo xtask sim ring`.
#[must_use]
pub fn full() -> Vec<Scenario> {
    let mut all = small();
    all.extend([
        scenario("5 events, closed", &[1, 2, 0, 4, 1], true),
        scenario("6 events, not closed", &[1, 1, 1, 1, 1, 1], false),
        scenario("an event between 2 too large, not closed", &[7, 1, 7], false),
        scenario("3 events too large and 2 others, closed", &[7, 7, 1, 7, 1], true),
        scenario("3 events too large, not closed", &[7, 7, 7], false),
        Scenario { interrupts: 2, ..scenario("an event and 2 on top, closed", &[1], true) },
        Scenario {
            has_halves: true,
            reader_dies: true,
            after_kill: Some(vec![Task::Close]),
            start: LATE,
            ..scenario("an event, both killed, closed, halves", &[1], false)
        },
        Scenario {
            interrupts: 1,
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("an event, 1 on top, killed, 1 more, closed", &[1], false)
        },
    ]);
    all
}

/// For a night: twelve events.
#[must_use]
pub fn long() -> Vec<Scenario> {
    let mut all = full();
    all.extend([
        Scenario { start: LATE, ..scenario("7 events across the wrap, closed", &[1; 7], true) },
        Scenario { interrupts: 2, ..scenario("2 events and 2 on top, closed", &[1, 2], true) },
        Scenario {
            interrupts: 1,
            after_kill: Some(vec![Task::Write(1), Task::Close]),
            ..scenario("2 events, 1 on top, killed, 1 more, closed", &[1, 7], false)
        },
        Scenario {
            reader_dies: true,
            after_kill: Some(vec![Task::Write(7), Task::Close]),
            ..scenario("2 events too large, both killed, another, closed", &[7, 7], false)
        },
        Scenario { interrupts: 2, ..scenario("3 events and 2 on top, closed", &[1, 2, 1], true) },
        Scenario {
            interrupts: 1,
            after_kill: Some(vec![Task::Write(1), Task::Write(1), Task::Close]),
            ..scenario("3 events, 1 on top, killed, 2 more, closed", &[1, 2, 7], false)
        },
        Scenario {
            interrupts: 1,
            after_kill: Some(vec![Task::Write(1), Task::Write(1), Task::Close]),
            ..scenario("4 events, 1 on top, killed, 2 more, closed", &[1, 2, 2, 7], false)
        },
        scenario("12 events, closed", &[1, 2, 0, 4, 1, 7, 1, 1, 2, 1, 3, 1], true),
        scenario("12 events, not closed", &[1; 12], false),
    ]);
    all
}
