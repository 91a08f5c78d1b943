//! The gate of a session: one thread at a time works inside, and nobody waits before it.
//!
//! Who finds it shut leaves a note and goes; the thread inside looks for the note on its way out and
//! works once more. So whatever was asked for before [`knock`] is done by somebody after it
//! (invariant G1), and a signal handler that interrupts the work does not wait for itself.

use crate::words::Ordering;

/// The state of a gate: a pure value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Nobody is inside.
    Open,
    /// Somebody is inside.
    Shut,
    /// Somebody is inside, and more has been asked for.
    Noted,
}

/// The word of a gate.
pub trait GateWord {
    /// Loads the state.
    fn load(&self, order: Ordering) -> Gate;

    /// Exchanges the state if it is `current`; else what was found.
    ///
    /// # Errors
    ///
    /// The state found, which is another.
    fn exchange(&self, current: Gate, new: Gate, success: Ordering, failure: Ordering) -> Result<(), Gate>;
}

/// Goes inside, or leaves a note for who is. True inside: [`leave`] must follow.
///
/// Lock-free. Bound: a failed exchange is another thread's progress.
pub fn knock<W: GateWord>(gate: &W) -> bool {
    // ORDER: Relaxed. The exchanges decide.
    let mut found = gate.load(Ordering::Relaxed);
    loop {
        let next = match found {
            Gate::Open => Gate::Shut,
            Gate::Shut | Gate::Noted => Gate::Noted,
        };
        // ORDER: AcqRel. Acquire: who goes inside sees the work of those before. Release: who is
        // inside sees, with the note, what was asked for; an exchange of the note for itself passes
        // that on too. Weaker fails the loom test `gate_is_shut`.
        match gate.exchange(found, next, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(()) => return found == Gate::Open,
            Err(other) => found = other,
        }
    }
}

/// Goes inside if nobody is; no note is left.
pub fn try_enter<W: GateWord>(gate: &W) -> bool {
    // ORDER: Acquire. The work of those before is seen.
    gate.exchange(Gate::Open, Gate::Shut, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Goes outside. False if a note was found: then the thread is still inside, and works once more.
pub fn leave<W: GateWord>(gate: &W) -> bool {
    // ORDER: Release, for those who come later; pairs with the Acquire in `knock`.
    if gate.exchange(Gate::Shut, Gate::Open, Ordering::Release, Ordering::Relaxed).is_ok() {
        return true;
    }
    // ORDER: AcqRel. Acquire: what the notes ask for is seen. Release is more than needed: who enters
    // next pairs with the exchange above.
    let taken = gate.exchange(Gate::Noted, Gate::Shut, Ordering::AcqRel, Ordering::Relaxed);
    debug_assert!(taken.is_ok(), "only who is inside takes a note away");
    false
}

impl Gate {
    pub(super) const fn bits(self) -> u32 {
        match self {
            Gate::Open => 0,
            Gate::Shut => 1,
            Gate::Noted => 2,
        }
    }

    pub(super) const fn of_bits(bits: u32) -> Gate {
        match bits {
            0 => Gate::Open,
            1 => Gate::Shut,
            _ => Gate::Noted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;

    #[test]
    fn a_gate_is_read_back_as_another() {
        for gate in [Gate::Open, Gate::Shut, Gate::Noted] {
            assert_eq!(Gate::of_bits(gate.bits()), gate);
        }
    }
}
