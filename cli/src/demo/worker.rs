//! A process that counts until it is told to stop, or killed.

use std::thread;
use std::time::{Duration, Instant};

use tallymark::core::format::stack::{Line, StackName};
use tallymark::{Base, CountFile, Name, UnixTime};

use super::ledger::{Ledger, ONCE, SHARED, STACK};
use super::program;
use crate::arguments::WorkerArguments;
use crate::output::Verdict;

/// Names that a thread counts once, at the most: they make the file grow.
const ONCE_MOST: u64 = 200_000;

pub(crate) fn run(arguments: &WorkerArguments) -> anyhow::Result<Verdict> {
    let threads = arguments.threads as usize;
    let ledger = Ledger::open(&arguments.ledger, threads * arguments.processes as usize)?;
    let base = Base::new(&arguments.dir);
    let file = CountFile::open(&base, &program(), UnixTime(arguments.now))?;
    let first = arguments.process as usize * threads;
    // A worker whose parent has died stops by itself.
    let deadline = Instant::now() + Duration::from_secs(arguments.deadline_seconds);
    thread::scope(|scope| {
        let (file, ledger, rounds) = (&file, &ledger, arguments.rounds);
        let running: Vec<_> = (first..first + threads)
            .map(|thread| scope.spawn(move || count(file, ledger, thread, rounds, deadline)))
            .collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(Verdict::Good)
}

/// Counts `rounds` times each shared name, then the stack once and a new name, until the end.
fn count(
    file: &CountFile,
    ledger: &Ledger,
    thread: usize,
    rounds: u32,
    deadline: Instant,
) -> anyhow::Result<()> {
    let slots = SHARED.iter().map(|name| Ok(file.slot(&Name::plain(name.as_bytes())?)?));
    let slots = slots.collect::<anyhow::Result<Vec<_>>>()?;
    let mut stack = StackName::new(b"demo/crash");
    stack.frame(b"example.com/demo.parse", Line::Relative(12), 0x1f);
    stack.frame(b"example.com/demo.serve", Line::Relative(40), 0x88);
    let stack = file.slot(&Name::stack(stack.finish())?)?;
    let once = ledger.account(thread, ONCE);
    while !ledger.is_stopped() && Instant::now() < deadline {
        for _ in 0..rounds {
            for (account, slot) in slots.iter().enumerate() {
                ledger.account(thread, account).count(|| {
                    file.add(*slot, 1);
                    anyhow::Ok(())
                })?;
            }
        }
        ledger.account(thread, STACK).count(|| {
            file.add(stack, 1);
            anyhow::Ok(())
        })?;
        if once.begun() < ONCE_MOST {
            let name = once_name(thread, once.begun());
            once.count(|| {
                file.add(file.slot(&Name::plain(name.as_bytes())?)?, 1);
                anyhow::Ok(())
            })?;
        }
    }
    Ok(())
}

/// The name that a thread counts once, as its `number`th.
pub(crate) fn once_name(thread: usize, number: u64) -> String {
    format!("demo/once:{thread}-{number}")
}
