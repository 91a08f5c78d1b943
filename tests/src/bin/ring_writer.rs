//! A process that writes into a ring in a file, until it is killed or has written enough: the events
//! `from..to`, each tried until it has room. For each 64 of them it writes a byte to its output.
//!
//! Usage: `ring_writer FILE FROM TO`.

use std::error::Error;
use std::io::Write;
use std::{env, io, thread};

use tallymark::ring::shared;
use tallymark_tests::ring_events::stack;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, from, to] = &arguments[..] else { return Err("usage: ring_writer FILE FROM TO".into()) };
    let (from, to): (u64, u64) = (from.parse()?, to.parse()?);
    let writer: shared::Writer = shared::attach(file)?.into_writer();
    let mut output = io::stdout().lock();
    for event in from..to {
        let (stack, length) = stack(event);
        while writer.write(event, event, &[event], &stack[..length]).is_err() {
            thread::yield_now();
        }
        if (event + 1 - from) % 64 == 0 {
            output.write_all(b".")?;
            output.flush()?;
        }
    }
    Ok(())
}
