//! Counting what nobody expects: panics, by the stack they happen on, and signals, in their handler.
//!
//! ```console
//! $ cargo run --release --example panics_and_signals
//! ```

use std::panic;

use tallymark::{Config, Contents, Counter, StackCounter, program};

static PANICS: StackCounter = StackCounter::new("panic", 12);
static SIGNALS: Counter = Counter::new("signal:usr1");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("tallymark-panics-{}", std::process::id()));
    let session = tallymark::open(Config::new(program!()).dir(&dir))?;

    // Counted when it happens: if the process dies of it, the count is in the file.
    panic::set_hook(Box::new(|_| PANICS.inc()));
    for number in 0..6 {
        let _ =
            panic::catch_unwind(|| if number % 2 == 0 { divide(number, 0) } else { index(number as usize) });
    }
    let _ = panic::take_hook();
    signals(1000);

    let contents = Contents::read(&session.status().file.ok_or("there is no file")?)?;
    for counter in &contents.counters {
        println!(
            "{:>6}  {}",
            counter.value,
            String::from_utf8_lossy(&counter.decoded_name()).replace('\n', "\n        ")
        );
    }
    drop(session);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

#[inline(never)]
fn divide(a: i32, b: i32) -> i32 {
    a.checked_div(b).expect("a divisor that is not 0")
}

#[inline(never)]
fn index(at: usize) -> i32 {
    [1, 2, 3].get(at + 3).copied().unwrap_or_else(|| panic!("{at} is too far"))
}

/// Sends this process a signal so many times; the handler counts.
#[cfg(unix)]
fn signals(times: u32) {
    extern "C" fn on_signal(_: libc::c_int) {
        SIGNALS.inc();
    }
    let handler: extern "C" fn(libc::c_int) = on_signal;
    // SAFETY: the handler only counts, which any handler may.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    for _ in 0..times {
        // SAFETY: sends a signal to this thread, which handles it before it goes on.
        unsafe { libc::raise(libc::SIGUSR1) };
    }
}

#[cfg(not(unix))]
fn signals(times: u32) {
    SIGNALS.add(times.into());
}
