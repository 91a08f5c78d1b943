//! What the loom models share: running a model, and orderings that are weakened one at a time, to see that
//! the protocol then fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::model::Builder;

/// At most one operation, and the weaker ordering that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakened<O>(Option<(O, Ordering)>);

impl<O: Copy + PartialEq> Weakened<O> {
    /// Every ordering as it is.
    pub const NOTHING: Self = Weakened(None);

    /// This operation, with this ordering; a fence with Relaxed is none.
    #[must_use]
    pub const fn to(operation: O, order: Ordering) -> Self {
        Weakened(Some((operation, order)))
    }

    /// The ordering of an operation.
    pub(crate) fn at(self, operation: O, order: Ordering) -> Ordering {
        self.0.filter(|weakened| weakened.0 == operation).map_or(order, |weakened| weakened.1)
    }
}

/// Runs a model in every order with at most so many preemptions; returns how many orders there were.
pub fn orders(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    runs.load(Ordering::Relaxed)
}
