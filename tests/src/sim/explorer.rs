//! Visits every reachable state of a model once, depth first, and checks each.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// Something with states and steps between them.
pub trait Model {
    /// A state; small, because many are kept.
    type State: Clone;

    /// What is done in a step, for people.
    type Step: Clone + fmt::Display;

    /// Where it begins.
    fn initial(&self) -> Self::State;

    /// A number that tells states apart. Two states with one number are taken for one, so it has to
    /// be a good hash of everything that matters for what can still happen.
    fn fingerprint(&self, state: &Self::State) -> u128;

    /// Steps from a state: what is done, and the state after it. None: the end. A model may leave out
    /// steps that lead nowhere new, and says why.
    fn steps(&self, state: &Self::State) -> Vec<(Self::Step, Self::State)>;

    /// Checks a state; `is_end` if there is no step from it.
    ///
    /// # Errors
    ///
    /// What does not hold.
    fn check(&mut self, state: &Self::State, is_end: bool) -> Result<(), String>;
}

/// What was visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visited {
    /// Different states.
    pub states: u64,
    /// Steps between them.
    pub edges: u64,
    /// States without a step.
    pub ends: u64,
    /// The longest way from the beginning.
    pub depth: usize,
}

/// A state that breaks an invariant, and a way to it.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What does not hold.
    pub what: String,
    /// The steps from the beginning.
    pub trace: Vec<String>,
    /// What had been visited before.
    pub visited: Visited,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (after {} states)", self.what, self.visited.states)?;
        for step in &self.trace {
            writeln!(f, "  {step}")?;
        }
        Ok(())
    }
}

/// A state on the way, with the steps from it that are still to be taken.
struct Stop<M: Model> {
    came_by: Option<M::Step>,
    ahead: Vec<(M::Step, M::State)>,
}

/// Visits every state.
///
/// # Errors
///
/// The first [`Violation`] met.
pub fn explore<M: Model>(model: &mut M) -> Result<Visited, Violation> {
    let mut visited = Visited::default();
    let mut known: HashSet<u128, BuildHasherDefault<Fold>> = HashSet::default();
    let mut way: Vec<Stop<M>> = Vec::new();
    let mut next = Some((None, model.initial()));
    loop {
        if let Some((came_by, state)) = next.take()
            && known.insert(model.fingerprint(&state))
        {
            let ahead = model.steps(&state);
            visited.states += 1;
            visited.edges += ahead.len() as u64;
            visited.ends += u64::from(ahead.is_empty());
            let checked = model.check(&state, ahead.is_empty());
            way.push(Stop { came_by, ahead });
            visited.depth = visited.depth.max(way.len());
            if let Err(what) = checked {
                let trace =
                    way.iter().filter_map(|stop| stop.came_by.as_ref()).map(ToString::to_string).collect();
                return Err(Violation { what, trace, visited });
            }
        }
        match way.last_mut() {
            None => return Ok(visited),
            Some(stop) => match stop.ahead.pop() {
                Some((step, state)) => next = Some((Some(step), state)),
                None => drop(way.pop()),
            },
        }
    }
}

/// The hash of a number that is a hash already.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers of 128 bits are hashed")
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A hash of 128 bits, good enough to tell some 10^9 states apart.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The hash of nothing.
    #[must_use]
    pub fn new() -> Self {
        Fingerprint(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }

    /// The hash with one more number.
    #[must_use]
    pub fn with(self, number: u64) -> Self {
        const ODD: u128 = 0xd2b7_4407_b1ce_6e93_9e6c_63d0_876a_3f6b;
        let mixed = (self.0 ^ u128::from(number)).wrapping_mul(ODD);
        Fingerprint(mixed ^ (mixed >> 67))
    }

    /// The number.
    #[must_use]
    pub fn finish(self) -> u128 {
        self.with(0).with(0).0
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counters that go up to 3, and may not both be 3 if `forbidden`.
    struct Grid {
        forbidden: bool,
    }

    impl Model for Grid {
        type State = [u64; 2];
        type Step = usize;

        fn initial(&self) -> [u64; 2] {
            [0, 0]
        }

        fn fingerprint(&self, state: &[u64; 2]) -> u128 {
            Fingerprint::new().with(state[0]).with(state[1]).finish()
        }

        fn steps(&self, state: &[u64; 2]) -> Vec<(usize, [u64; 2])> {
            let step = |actor: usize| {
                let mut next = *state;
                next[actor] += 1;
                (next[actor] <= 3).then_some((actor, next))
            };
            [step(0), step(1)].into_iter().flatten().collect()
        }

        fn check(&mut self, state: &[u64; 2], is_end: bool) -> Result<(), String> {
            assert_eq!(is_end, *state == [3, 3]);
            if self.forbidden && is_end { Err("both are 3".into()) } else { Ok(()) }
        }
    }

    #[test]
    fn a_state_is_missed_or_visited_twice() {
        let visited = explore(&mut Grid { forbidden: false }).unwrap();
        assert_eq!(visited, Visited { states: 16, edges: 24, ends: 1, depth: 7 });
    }

    #[test]
    fn a_violation_comes_without_the_way_to_it() {
        let violation = explore(&mut Grid { forbidden: true }).unwrap_err();
        assert_eq!((&violation.what[..], violation.trace.len()), ("both are 3", 6));
    }
}
