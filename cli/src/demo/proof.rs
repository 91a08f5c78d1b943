//! The proof: the file against the ledger, name by name.

use std::collections::HashMap;

use tallymark::Contents;

use super::ledger::{Ledger, ONCE, SHARED, STACK};
use super::worker::once_name;

/// What the file and the ledger say together.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Counts that a thread had finished.
    pub(crate) finished: u64,
    /// Counts that were begun and not finished by a process that was killed.
    pub(crate) in_flight: u64,
    /// Counts in the file.
    pub(crate) in_file: u64,
    /// Every contradiction, in words.
    pub(crate) violations: Vec<String>,
}

impl Proof {
    /// Compares a file that nobody counts into any more with the ledger of `threads` threads, of
    /// which at most `killed_threads` have died.
    pub(crate) fn new(contents: &Contents, ledger: &Ledger, threads: usize, killed_threads: u64) -> Proof {
        let mut proof = Proof::default();
        let mut found: HashMap<&[u8], u64> = HashMap::new();
        for counter in &contents.counters {
            found.insert(&counter.name, counter.value);
        }
        for (account, name) in SHARED.iter().enumerate() {
            let value = found.remove(name.as_bytes()).unwrap_or(0);
            let (begun, finished) = ledger.sum(0..threads, account);
            proof.check(name, begun, finished, value);
        }
        let stack = contents.counters.iter().find(|counter| counter.is_stack());
        let value = stack.and_then(|stack| found.remove(&stack.name[..])).unwrap_or(0);
        let (begun, finished) = ledger.sum(0..threads, STACK);
        proof.check("demo/crash", begun, finished, value);
        for thread in 0..threads {
            proof.check_once(ledger, thread, &mut found);
        }
        for (name, value) in found {
            proof.in_file += value;
            // A process that died before its first count may have left a name with value 0.
            if value > 0 {
                let name = String::from_utf8_lossy(name);
                proof.violations.push(format!("{name}: {value} in the file, never begun"));
            }
        }
        if proof.in_flight > killed_threads {
            let text = format!("{} counts in flight with {killed_threads} threads killed", proof.in_flight);
            proof.violations.push(text);
        }
        proof.violations.extend(contents.faults.iter().map(ToString::to_string));
        proof
    }

    /// The names that a thread counts once: each is there with 1; one in flight may be there or not.
    fn check_once(&mut self, ledger: &Ledger, thread: usize, found: &mut HashMap<&[u8], u64>) {
        let account = ledger.account(thread, ONCE);
        let mut sum = 0;
        for number in 0..account.begun() {
            let name = once_name(thread, number);
            let value = found.remove(name.as_bytes()).unwrap_or(0);
            sum += value;
            if value > 1 {
                self.violations.push(format!("{name}: {value} in the file, counted once"));
            }
        }
        self.check(&format!("names of thread {thread}"), account.begun(), account.finished(), sum);
    }

    /// The one rule: finished <= in the file <= begun.
    fn check(&mut self, what: &str, begun: u64, finished: u64, in_file: u64) {
        self.finished += finished;
        self.in_flight += begun.saturating_sub(finished);
        self.in_file += in_file;
        if in_file < finished {
            self.violations.push(format!("{what}: {finished} acknowledged, {in_file} in the file: LOST"));
        }
        if in_file > begun {
            self.violations.push(format!("{what}: {begun} begun, {in_file} in the file: INVENTED"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_and_an_invented_count_are_seen() {
        let mut proof = Proof::default();
        proof.check("fine", 10, 9, 9);
        proof.check("fine", 10, 9, 10);
        assert!(proof.violations.is_empty());
        proof.check("a", 10, 9, 8);
        proof.check("b", 10, 9, 11);
        assert_eq!(proof.violations.len(), 2);
        assert!(proof.violations[0].ends_with("LOST") && proof.violations[1].ends_with("INVENTED"));
    }
}
