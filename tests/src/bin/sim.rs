//! Explores the protocol in the simulator and prints what was visited; ends at the first
//! violation, with exit status 1.
//!
//! `sim [table] [handles] [ring] [--small | --long]`

use std::process::ExitCode;
use std::time::Instant;

use tallymark_tests::sim::explorer::{Model, explore};
use tallymark_tests::sim::handle::{self, Handles};
use tallymark_tests::sim::ring::{self, RingModel};
use tallymark_tests::sim::scenarios;
use tallymark_tests::sim::table::Counting;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str, arguments: &mut Vec<String>| {
        let at = arguments.iter().position(|argument| argument == part);
        at.map(|at| arguments.remove(at)).is_some()
    };
    let parts = ["table", "handles", "ring"].map(|part| wanted(part, &mut arguments));
    let [table, handles, ring] = if parts == [false; 3] { [true; 3] } else { parts };
    let (of_table, of_handles, of_ring) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (scenarios::full(), handle::scenarios::full(), ring::scenarios::full()),
        ["--small"] => (scenarios::small(), handle::scenarios::small(), ring::scenarios::small()),
        ["--long"] => (scenarios::long(), handle::scenarios::long(), ring::scenarios::long()),
        _ => {
            eprintln!("sim: unknown: {arguments:?}; usage: sim [table] [handles] [ring] [--small | --long]");
            return ExitCode::from(2);
        }
    };
    println!("{:>11} {:>11} {:>9} {:>6} {:>7}  scenario", "states", "edges", "contents", "depth", "seconds");
    let is_good = (!table
        || of_table.into_iter().all(|scenario| {
            let name = scenario.name;
            run(name, &mut Counting::new(scenario), |model| model.contents().to_string())
        }))
        && (!handles
            || of_handles
                .into_iter()
                .all(|scenario| run(scenario.name, &mut Handles::new(scenario), |_| "-".to_owned())))
        && (!ring
            || of_ring
                .into_iter()
                .all(|scenario| run(scenario.name, &mut RingModel::new(scenario), |_| "-".to_owned())));
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores a model and prints what was visited; false at a violation.
fn run<M: Model>(name: &str, model: &mut M, contents: impl FnOnce(&M) -> String) -> bool {
    let start = Instant::now();
    match explore(model) {
        Ok(visited) => {
            println!(
                "{:>11} {:>11} {:>9} {:>6} {:>7.1}  {name}",
                visited.states,
                visited.edges,
                contents(model),
                visited.depth,
                start.elapsed().as_secs_f64(),
            );
            true
        }
        Err(violation) => {
            println!("VIOLATION in {name}: {violation}");
            false
        }
    }
}
