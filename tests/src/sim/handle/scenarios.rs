//! The bounds at which the handles are explored.

use super::{Role, Scenario, Task};
use Task::{Add, Close, Rotate};

fn thread(tasks: &[Task]) -> Role {
    Role { tasks: tasks.to_vec(), interrupts: None }
}

fn handler(of: usize, tasks: &[Task]) -> Role {
    Role { tasks: tasks.to_vec(), interrupts: Some(of) }
}

fn scenario(name: &'static str, handles: u8, open: bool, roles: Vec<Role>) -> Scenario {
    Scenario { name, handles, open, roles, may_stop: false }
}

/// Bounds that an unoptimised build explores in seconds.
#[must_use]
pub fn small() -> Vec<Scenario> {
    vec![
        scenario(
            "handles: 2 adders x 2, opened and rotated",
            1,
            false,
            vec![thread(&[Add(0), Add(0)]), thread(&[Add(0), Add(0)]), thread(&[Rotate, Rotate])],
        ),
        scenario(
            "handles: 3 adders of two handles, none placed before",
            2,
            true,
            vec![thread(&[Add(0)]), thread(&[Add(1)]), thread(&[Add(0)])],
        ),
        scenario(
            "handles: a signal handler counts in its adder",
            1,
            true,
            vec![thread(&[Add(0), Add(0)]), handler(0, &[Add(0)]), thread(&[Rotate])],
        ),
    ]
}

/// The bounds of every CI run.
#[must_use]
pub fn full() -> Vec<Scenario> {
    let adds = [Add(0), Add(0)];
    vec![
        scenario(
            "handles: 3 adders x 2, 2 rotations",
            1,
            true,
            vec![thread(&adds), thread(&adds), thread(&adds), thread(&[Rotate, Rotate])],
        ),
        scenario(
            "handles: 2 adders x 2 of two handles, closed and opened",
            2,
            true,
            vec![thread(&[Add(0), Add(1)]), thread(&[Add(1), Add(0)]), thread(&[Close, Rotate])],
        ),
        scenario(
            "handles: a handler in an adder and one in the rotator",
            1,
            true,
            vec![thread(&adds), handler(0, &[Add(0)]), thread(&[Rotate, Rotate]), handler(2, &[Add(0)])],
        ),
        Scenario {
            may_stop: true,
            ..scenario(
                "handles: 2 adders of two handles, one actor stops anywhere",
                2,
                true,
                vec![thread(&[Add(0), Add(1)]), thread(&[Add(1)]), thread(&[Rotate])],
            )
        },
    ]
}

/// Bounds that take minutes.
#[must_use]
pub fn long() -> Vec<Scenario> {
    let adds = [Add(0), Add(0), Add(0)];
    vec![scenario(
        "handles: 3 adders x 3, 2 rotations",
        1,
        true,
        vec![thread(&adds), thread(&adds), thread(&adds), thread(&[Rotate, Rotate])],
    )]
}
