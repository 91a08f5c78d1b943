//! Functions whose machine code `cargo xtask assembly` looks at. Nobody calls them.

use tallymark::Counter;

/// Counts one: what a program's own code becomes where it counts.
// SAFETY: no other function of the program has this name.
#[unsafe(no_mangle)]
pub fn tallymark_one(counter: &'static Counter) {
    counter.inc();
}

/// Counts several at once.
// SAFETY: no other function of the program has this name.
#[unsafe(no_mangle)]
pub fn tallymark_some(counter: &'static Counter, n: u32) {
    counter.add(n.into());
}

/// Counts twice: the check must say no to this.
// SAFETY: no other function of the program has this name.
#[unsafe(no_mangle)]
pub fn tallymark_twice(counter: &'static Counter) {
    counter.inc();
    counter.inc();
}
