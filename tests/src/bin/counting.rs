//! A process for the tests: counts names into one file, then says what it added.
//!
//! `counting BASE NAMES ROUNDS`: in each round 1 for each of `shared-0 …` and of its own names,
//! as the program `example.com/cmd/tool` of the golden files.

use std::path::Path;
use std::process::ExitCode;

use tallymark::{Base, CountFile, Name, Program, UnixTime};

/// 2026-01-05T10:00:00Z.
const NOW: UnixTime = UnixTime(1_767_607_200);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match count(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counting: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [base, names, rounds] = arguments else { return Err("usage: counting BASE NAMES ROUNDS".into()) };
    let (names, rounds): (u32, u32) = (names.parse()?, rounds.parse()?);
    let program = Program {
        os: "linux".into(),
        arch: "amd64".into(),
        ..Program::new("example.com/cmd/tool", "v1.2.3", "go1.27.3")
    };
    let file = CountFile::open(&Base::new(Path::new(base)), &program, NOW)?;
    let id = std::process::id();
    for _ in 0..rounds {
        for index in 0..names {
            for name in [format!("shared-{index}"), format!("rust-{id}-{index}")] {
                file.add(file.slot(&Name::plain(name.as_bytes())?)?, 1);
            }
        }
    }
    println!("{}", file.path().display());
    Ok(())
}
