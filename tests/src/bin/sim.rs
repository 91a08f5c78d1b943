//! Explores the protocol in the simulator and prints what was visited; exit status 1 at a violation.
//!
//! `sim [--small | --long]`

use std::process::ExitCode;
use std::time::Instant;

use tallymark_tests::sim::explorer::explore;
use tallymark_tests::sim::scenarios;
use tallymark_tests::sim::table::Counting;

fn main() -> ExitCode {
    let scenarios = match std::env::args().nth(1).as_deref() {
        None => scenarios::full(),
        Some("--small") => scenarios::small(),
        Some("--long") => scenarios::long(),
        Some(other) => {
            eprintln!("sim: {other} is unknown; usage: sim [--small | --long]");
            return ExitCode::from(2);
        }
    };
    println!("{:>11} {:>11} {:>9} {:>6} {:>7}  scenario", "states", "edges", "contents", "depth", "seconds");
    for scenario in scenarios {
        let (name, start) = (scenario.name, Instant::now());
        let mut model = Counting::new(scenario);
        match explore(&mut model) {
            Ok(visited) => println!(
                "{:>11} {:>11} {:>9} {:>6} {:>7.1}  {name}",
                visited.states,
                visited.edges,
                model.contents(),
                visited.depth,
                start.elapsed().as_secs_f64(),
            ),
            Err(violation) => {
                println!("VIOLATION in {name}: {violation}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
