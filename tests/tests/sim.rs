//! Goal: no order of memory operations and no crash makes processes lose or invent a count (T01).
//! Method: `tallymark_tests::sim` at small bounds; `cargo xtask sim` runs the full ones.

use tallymark_tests::sim::explorer::explore;
use tallymark_tests::sim::handle::go::{GoHandle, Wrong};
use tallymark_tests::sim::handle::{self, Handles};
use tallymark_tests::sim::ring::go::{self, GoRing};
use tallymark_tests::sim::ring::{self, RingModel};
use tallymark_tests::sim::scenarios;
use tallymark_tests::sim::table::{Counting, Scenario};

#[test]
fn a_crash_or_an_order_of_steps_costs_a_count() {
    for scenario in scenarios::small() {
        let mut model = Counting::new(scenario.clone());
        let visited =
            explore(&mut model).unwrap_or_else(|violation| panic!("{}: {violation}", scenario.name));
        assert!(visited.states > 3_000, "{}: only {visited:?}", scenario.name);
    }
}

/// The canary: a check that cannot fail proves nothing. Here an expectation is wrong on purpose.
#[test]
fn a_count_too_many_is_overlooked() {
    for scenario in scenarios::small() {
        // The counter that is there from the start holds 5, and the check is not told.
        let wrong = Scenario { limit_went_back: true, expects_laid_counter: false, ..scenario };
        let violation = explore(&mut Counting::new(wrong)).unwrap_err();
        assert!(violation.what.ends_with("5 in the file"), "{violation}");
    }
}

/// Threads, signal handlers and rotations on the handles (T02).
#[test]
fn an_order_of_steps_loses_or_invents_a_count_in_a_handle() {
    for scenario in handle::scenarios::small() {
        let name = scenario.name;
        let visited =
            explore(&mut Handles::new(scenario)).unwrap_or_else(|violation| panic!("{name}: {violation}"));
        assert!(visited.states > 3_000, "{name}: only {visited:?}");
    }
}

/// The negative control: what is wrong with Go's handle must be found.
#[test]
fn the_faults_of_another_handle_are_overlooked() {
    for looked_for in [Wrong::Wedged, Wrong::Invented] {
        let model = |adders, rotations| GoHandle { looked_for, adders, rotations };
        let violation = explore(&mut model(vec![2, 2], 2)).unwrap_err();
        println!("Go's handle: {} (after {} states)", violation.what, violation.visited.states);
        // One thread alone has no fault: it is the order of steps that matters.
        explore(&mut model(vec![3], 0)).unwrap();
    }
}

/// A ring whose writer is interrupted by itself and killed, and whose stores are seen late (T03).
#[test]
fn an_order_of_steps_loses_an_event_of_a_ring_or_leaves_its_reader_asleep() {
    let scenarios = if cfg!(debug_assertions) { ring::scenarios::tiny() } else { ring::scenarios::small() };
    for scenario in scenarios {
        let name = scenario.name;
        let visited =
            explore(&mut RingModel::new(scenario)).unwrap_or_else(|violation| panic!("{name}: {violation}"));
        assert!(visited.states > 3_000, "{name}: only {visited:?}");
    }
}

/// The negative control: both faults of Go's ring must be found.
#[test]
fn the_faults_of_another_ring_are_overlooked() {
    for looked_for in [go::Wrong::LostAtTheEnd, go::Wrong::LossTooEarly] {
        let model = |is_sequential| GoRing { looked_for, events: 4, is_sequential };
        let violation = explore(&mut model(false)).unwrap_err();
        println!("Go's ring: {} (after {} states)", violation.what, violation.visited.states);
        // Alone each end has no fault: it is the order of steps that matters.
        explore(&mut model(true)).unwrap();
    }
}
