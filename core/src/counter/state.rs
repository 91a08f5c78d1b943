//! The state word of a handle: a pure value, and the bits it is kept in.

/// Where the counts of a handle go. `C` names a count in a file.
///
/// ```text
///            enlist            attach
///   Fresh ───────────► Waiting ──────► Attached(count)
///                         ▲               │    │  ▲
///                         └───────────────┘    └──┘
///                              detach         attach
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State<C> {
    /// Never used: the session does not know the handle. Nothing waits.
    Fresh,
    /// The session knows the handle; its counts wait in memory.
    Waiting,
    /// Counts go straight into a file.
    Attached(C),
}

impl<C> State<C> {
    /// Whether the state may follow this one.
    pub const fn may_become(&self, next: &State<C>) -> bool {
        matches!(
            (self, next),
            (State::Fresh, State::Waiting)
                | (State::Waiting, State::Attached(_))
                | (State::Attached(_), State::Waiting | State::Attached(_))
        )
    }
}

const FRESH: usize = 0;
const WAITING: usize = 1;

impl State<usize> {
    /// The word of the state; the count is given by its address, 2 or more.
    pub(super) const fn bits(self) -> usize {
        match self {
            State::Fresh => FRESH,
            State::Waiting => WAITING,
            State::Attached(address) => address,
        }
    }

    /// Whether a word is that of an attached state: one comparison on the way to a count.
    #[inline]
    pub(super) const fn is_attached(bits: usize) -> bool {
        bits > WAITING
    }

    /// The state of a word.
    #[inline]
    pub(super) const fn of_bits(bits: usize) -> State<usize> {
        if State::is_attached(bits) {
            State::Attached(bits)
        } else if bits == WAITING {
            State::Waiting
        } else {
            State::Fresh
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{self, Attached, Fresh, Waiting};
    use std::vec::Vec;

    /// Method: every state with every address that is near a boundary of the word.
    #[test]
    fn a_state_is_read_back_as_another() {
        let low = 2..=1 << 12;
        let bits = (1..usize::BITS).flat_map(|bit| [(1 << bit) | 8, !(1usize << bit)]);
        let addresses = low.chain(bits).chain([usize::MAX]).filter(|&address| address > 1);
        let states: Vec<_> = addresses.map(Attached).chain([Fresh, Waiting]).collect();
        for &state in &states {
            assert_eq!(State::of_bits(state.bits()), state);
            assert_eq!(State::is_attached(state.bits()), matches!(state, Attached(_)));
        }
        assert_ne!(Fresh.bits(), Waiting.bits());
    }

    /// Method: all nine pairs.
    #[test]
    fn a_handle_goes_back_or_skips_the_session() {
        let states = [Fresh, Waiting, Attached(8)];
        let allowed =
            [(Fresh, Waiting), (Waiting, Attached(8)), (Attached(8), Waiting), (Attached(8), Attached(8))];
        for from in states {
            for to in states {
                assert_eq!(from.may_become(&to), allowed.contains(&(from, to)), "{from:?} -> {to:?}");
            }
        }
    }
}
