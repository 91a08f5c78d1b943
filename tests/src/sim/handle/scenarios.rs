//! The bounds at which the handles are explored.

use super::{Role, Scenario, Task};
use Task::{Add, AddAndRotate, Attach, Close, Count, Rotate};

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
        scenario(
            "handles: 2 adders who never ask, attached, rotated",
            1,
            true,
            vec![thread(&[Count(0), Count(0)]), thread(&[Count(0)]), thread(&[Attach, Rotate, Attach])],
        ),
        scenario(
            "handles: an adder finds the week over, closed, opened",
            2,
            true,
            vec![thread(&[AddAndRotate(0), Add(1)]), thread(&[Add(0)]), thread(&[Close, Rotate])],
        ),
        Scenario {
            may_stop: true,
            ..scenario(
                "handles: an adder with a handler, one stops anywhere",
                1,
                true,
                vec![thread(&[Add(0)]), handler(0, &[Add(0)]), thread(&[Rotate])],
            )
        },
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
        Scenario {
            may_stop: true,
            ..scenario(
                "handles: 2 adders and a handler, one stops anywhere",
                1,
                true,
                vec![thread(&[Add(0)]), handler(0, &[Add(0)]), thread(&[Add(0)]), thread(&[Rotate])],
            )
        },
        Scenario {
            may_stop: true,
            ..scenario(
                "handles: 3 adders of two handles, one stops anywhere",
                2,
                true,
                vec![thread(&[Add(0)]), thread(&[Add(1)]), thread(&[Add(0)])],
            )
        },
        scenario(
            "handles: 3 adders who never ask, attached, rotated",
            1,
            true,
            vec![
                thread(&[Count(0), Count(0)]),
                thread(&[Count(0)]),
                thread(&[Count(0)]),
                thread(&[Attach, Rotate, Attach]),
            ],
        ),
        scenario(
            "handles: 3 adders, two find the week over, closed, opened",
            1,
            true,
            vec![
                thread(&[AddAndRotate(0), Add(0)]),
                thread(&[AddAndRotate(0)]),
                thread(&[Add(0)]),
                thread(&[Close, Rotate]),
            ],
        ),
    ]
}

/// Bounds for a night: the last one has more than 117 000 000 states, and has not been run to its end.
#[must_use]
pub fn long() -> Vec<Scenario> {
    let adds = [Add(0), Add(0), Add(0)];
    vec![
        scenario(
            "handles: 2 adders x 3, 3 rotations",
            1,
            true,
            vec![thread(&adds), thread(&adds), thread(&[Rotate, Rotate, Rotate])],
        ),
        scenario(
            "handles: 3 adders x 3, 2 rotations",
            1,
            true,
            vec![thread(&adds), thread(&adds), thread(&adds), thread(&[Rotate, Rotate])],
        ),
    ]
}
