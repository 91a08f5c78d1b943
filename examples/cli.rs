//! A command-line program that counts what it is used for: lines, words, and files it could not read.
//!
//! ```console
//! $ cargo run --release --example cli -- Cargo.toml README.md missing.txt
//! ```
//!
//! Run it twice: the counts of both runs are in one file.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use tallymark::{Config, Counter, counter, program};

static FILES: Counter = Counter::new("cli/files");
static LINES: Counter = Counter::new("cli/lines");
static WORDS: Counter = Counter::new("cli/words");

fn main() -> ExitCode {
    // A real program leaves `dir` away and counts in the user's state directory.
    let dir = env::temp_dir().join("tallymark-examples");
    let session = match tallymark::open(Config::new(program!()).dir(dir)) {
        Ok(session) => session,
        Err(error) => {
            eprintln!("cli: {error}");
            return ExitCode::FAILURE;
        }
    };

    let mut result = ExitCode::SUCCESS;
    for path in env::args().skip(1) {
        if let Err(error) = count(Path::new(&path)) {
            eprintln!("cli: {path}: {error}");
            // A name made at run time: one counter for each kind of error.
            if let Ok(errors) = counter(&format!("cli/error:{:?}", error.kind())) {
                errors.inc();
            }
            result = ExitCode::FAILURE;
        }
    }

    println!("This week, in {}:", session.status().file.unwrap_or_default().display());
    for counter in session.snapshot() {
        println!("{:>12}  {}", counter.value.unwrap_or(0), String::from_utf8_lossy(counter.name));
    }
    result
}

fn count(path: &Path) -> std::io::Result<()> {
    let text = fs::read_to_string(path)?;
    FILES.inc();
    LINES.add(text.lines().count() as u64);
    WORDS.add(text.split_whitespace().count() as u64);
    Ok(())
}
