//! Counters by call stack: how often something happened, from where.

use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use foldhash::fast::RandomState;
use tallymark_core::Name;
use tallymark_core::format::stack::{Line, StackName};

use crate::{Counter, fork, intern};

/// The most frames that are looked at, whatever depth is asked for.
const DEPTH_MAX: usize = 128;

/// Counts events by the stack they happen on, in Go's format for stack counters: a prefix, then a line
/// for each frame, innermost first.
///
/// A frame is written `module.function:=line,+0xdistance`: the last part of the symbol's path is the
/// function, closures and methods included; the line is that of the source file (0 if the program
/// has no line tables), the distance in bytes that of the return address from the start of the
/// function's code. Modules are missing from the names of a program that is built with
/// `debug = "line-tables-only"`.
///
/// ```
/// static REFUSED: tallymark::StackCounter = tallymark::StackCounter::new("request/refused", 8);
///
/// fn handle() {
///     REFUSED.inc();
/// }
/// handle();
/// assert_eq!(REFUSED.counters().len(), 1);
/// ```
///
/// Not for signal handlers: walking the stack and naming its frames allocates and locks.
pub struct StackCounter {
    prefix: &'static str,
    depth: usize,
    /// Only for who is [`fork::walking`], so that no child is born while it is locked.
    known: OnceLock<Mutex<Known>>,
}

/// The counters of stacks that have been seen, by their return addresses.
type Known = HashMap<Box<[usize]>, &'static Counter, RandomState>;

impl StackCounter {
    /// A counter of stacks of at most `depth` frames (1 to 128).
    ///
    /// # Panics
    ///
    /// If the prefix is empty, longer than 4096 bytes or has a newline; in a static that is an error
    /// of compilation.
    #[must_use]
    pub const fn new(prefix: &'static str, depth: usize) -> Self {
        if Name::plain(prefix.as_bytes()).is_err() {
            panic!("the prefix of a stack counter has 1 to 4096 bytes and no newline");
        }
        StackCounter { prefix, depth, known: OnceLock::new() }
    }

    /// Counts one for the stack of the caller.
    #[inline(never)]
    pub fn inc(&self) {
        let walking = fork::walking();
        let mut frames = [0; DEPTH_MAX];
        let depth = self.depth.clamp(1, DEPTH_MAX);
        let length = callers(Self::inc as *const (), &mut frames[..depth]);
        let counter = self.counter(&frames[..length]);
        drop(walking);
        counter.inc();
    }

    /// The counters of all stacks seen so far, in no order.
    #[must_use]
    pub fn counters(&self) -> Vec<&'static Counter> {
        let _walking = fork::walking();
        self.known().values().copied().collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counter(&self, frames: &[usize]) -> &'static Counter {
        if let Some(counter) = self.known().get(frames) {
            return counter;
        }
        let counter = self.named(frames);
        self.known().insert(frames.into(), counter);
        counter
    }

    /// The counter of a stack that is new.
    fn named(&self, frames: &[usize]) -> &'static Counter {
        let mut name = StackName::new(self.prefix.as_bytes());
        let mut starts = vec![None; frames.len()];
        backtrace::trace(|frame| {
            if let Some(at) = frames.iter().position(|&address| address == frame.ip().addr()) {
                starts[at] = Some(frame.symbol_address().addr());
            }
            true
        });
        for (&address, start) in frames.iter().zip(starts) {
            name_frame(&mut name, address, start.unwrap_or(address));
        }
        if frames.is_empty() {
            name.frame(b"unknown.stack", Line::Absolute(0), 0);
        }
        match Name::stack(name.finish()) {
            Ok(name) => intern::stack(name),
            Err(_) => unreachable!("a prefix and a frame make a name with a newline"),
        }
    }
}

/// Return addresses of the callers of the function that starts at `from`; how many there are.
fn callers(from: *const (), into: &mut [usize]) -> usize {
    let (mut length, mut below) = (0, true);
    let mut skipped = [0; 16];
    let mut skipped_length = 0;
    backtrace::trace(|frame| {
        let address = frame.ip().addr();
        if below {
            below = frame.symbol_address().cast_const().cast() != from;
            if below && skipped_length < skipped.len() {
                skipped[skipped_length] = address;
                skipped_length += 1;
            }
            return true;
        }
        into[length] = address;
        length += 1;
        length < into.len()
    });
    if below {
        // Frames without symbols: better a few too many than none.
        length = skipped_length.min(into.len());
        into[..length].copy_from_slice(&skipped[..length]);
    }
    length
}

/// Adds the frames of an address in the function that starts at `start`: more than one if others were
/// inlined there.
fn name_frame(name: &mut StackName, address: usize, start: usize) {
    let distance = address.saturating_sub(start) as u64;
    // The call is before the address to return to.
    let call = address.saturating_sub(1);
    let mut is_named = false;
    backtrace::resolve(std::ptr::without_provenance_mut::<c_void>(call), |symbol| {
        let Some(mangled) = symbol.name() else { return };
        is_named = true;
        let line = Line::Absolute(symbol.lineno().unwrap_or(0).into());
        let frame = frame_symbol(&format!("{mangled:#}"));
        name.frame(frame.as_bytes(), line, distance);
    });
    if !is_named {
        name.frame(b"unknown.function", Line::Absolute(0), distance);
    }
}

/// The symbol of a frame in Go's shape: what follows the last dot is the function.
fn frame_symbol(rust: &str) -> String {
    // Only our dot may be one; a newline would begin another frame.
    let clean = rust.replace(['.', '\n'], "_");
    let mut depth = 0usize;
    let mut last = None;
    for (at, c) in clean.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            // Not the arrow of a function type.
            '>' if clean[..at].ends_with('-') => {}
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // Generics belong to the function before them.
            ':' if depth == 0 && clean[at..].starts_with("::") && !clean[at..].starts_with("::<") => {
                last = Some(at);
            }
            _ => {}
        }
    }
    match last {
        Some(at) => format!("{}.{}", &clean[..at], &clean[at + 2..]),
        // A function of C, say. A path that is empty would be lost: it is that of the frame before.
        None => format!("_.{clean}"),
    }
}

impl fmt::Debug for StackCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackCounter").field("prefix", &self.prefix).field("depth", &self.depth).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallymark_core::format::stack::decode;

    static STACKS: StackCounter = StackCounter::new("test/stacks", 4);

    #[test]
    fn a_symbol_is_cut_inside_its_generics_or_by_a_foreign_dot() {
        for (rust, frame) in [
            ("main", "_.main"),
            ("crate::module::function", "crate::module.function"),
            ("crate::Type<a::B>::method", "crate::Type<a::B>.method"),
            ("<crate::A as other::B>::method", "<crate::A as other::B>.method"),
            ("crate::f::{{closure}}", "crate::f.{{closure}}"),
            ("crate::f::{closure#0}::{closure#1}", "crate::f::{closure#0}.{closure#1}"),
            ("crate::call::<fn(u8) -> a::B>", "crate.call::<fn(u8) -> a::B>"),
            ("crate::<impl crate::A for B>::go", "crate::<impl crate::A for B>.go"),
            ("<fn() -> a::B as crate::C>::call", "<fn() -> a::B as crate::C>.call"),
            ("read@@GLIBC_2.2.5", "_.read@@GLIBC_2_2_5"),
        ] {
            assert_eq!(frame_symbol(rust), frame);
        }
    }

    #[inline(never)]
    fn here(times: u32) {
        for _ in 0..times {
            STACKS.inc();
        }
    }

    #[test]
    fn one_stack_has_two_counters_or_lacks_its_caller() {
        here(3);
        let counters = STACKS.counters();
        assert_eq!(counters.len(), 1, "{counters:?}");
        assert_eq!(counters[0].waiting(), 3);
        here(1);
        assert_eq!(STACKS.counters().len(), 2, "another return address in the caller");
        let name = String::from_utf8_lossy(counters[0].name());
        let lines: Vec<_> = name.lines().collect();
        assert_eq!(lines[0], "test/stacks");
        assert!(lines.len() >= 2 && lines.len() <= 5 + 4, "{name}");
        assert!(lines[1].contains("stack_counter::tests.here:="), "{name}");
        let decoded: Vec<_> = decode(counters[0].name()).collect();
        assert_eq!(decoded.len(), lines.len());
    }
}
