//! Rounds: every contestant does its work once in each, one after the other, in an order that rotates.
//! Contestants are compared within a round, so that a slow moment of the machine harms all alike.

use std::time::{Duration, Instant};

use anyhow::Result;

/// One who does the work: a name, and one round's work. The work returns the nanoseconds of one
/// operation; of each of several points, where the work has points.
pub(crate) struct Contestant<'a> {
    name: &'static str,
    work: Box<dyn FnMut() -> Result<Vec<f64>> + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant.
    pub(crate) fn new(name: &'static str, work: impl FnMut() -> Result<Vec<f64>> + 'a) -> Self {
        Contestant { name, work: Box::new(work) }
    }

    /// A contestant that does `operations` in each round, and times itself.
    pub(crate) fn of(
        name: &'static str,
        operations: u32,
        mut work: impl FnMut() -> Result<Duration> + 'a,
    ) -> Self {
        Contestant::new(name, move || Ok(vec![work()?.as_nanos() as f64 / f64::from(operations)]))
    }
}

/// When to end: not before this time is over, and not with fewer or more rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    /// Seconds.
    pub(crate) seconds: f64,
    /// The fewest rounds.
    pub(crate) least: usize,
    /// The most rounds.
    pub(crate) most: usize,
    /// Rounds before these, which do not count.
    pub(crate) warm_up: usize,
}

/// The times of all contestants: by round, contestant, and point.
#[derive(Debug)]
pub(crate) struct Times {
    names: Vec<&'static str>,
    rounds: Vec<Vec<Vec<f64>>>,
}

/// How one contestant did beside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Median of the nanoseconds of one operation.
    pub(crate) ours: f64,
    /// The other's.
    pub(crate) other: f64,
    /// Median of the ratios of the rounds.
    pub(crate) ratio: f64,
    /// The ratio that a tenth of the rounds does not reach.
    pub(crate) low: f64,
    /// The ratio that a tenth of the rounds passes.
    pub(crate) high: f64,
}

/// Lets them do their work.
pub(crate) fn race(contestants: &mut [Contestant<'_>], length: Length) -> Result<Times> {
    for _ in 0..length.warm_up {
        contestants.iter_mut().try_for_each(|contestant| (contestant.work)().map(drop))?;
    }
    let start = Instant::now();
    let mut rounds = Vec::new();
    while rounds.len() < length.least
        || (rounds.len() < length.most && start.elapsed().as_secs_f64() < length.seconds)
    {
        let mut round = vec![Vec::new(); contestants.len()];
        for turn in 0..contestants.len() {
            let at = (turn + rounds.len()) % contestants.len();
            round[at] = (contestants[at].work)()?;
        }
        rounds.push(round);
    }
    Ok(Times { names: contestants.iter().map(|contestant| contestant.name).collect(), rounds })
}

impl Times {
    /// Compares two contestants at a point; `None` if one of them did not take part.
    pub(crate) fn compare(&self, ours: &str, other: &str, point: usize) -> Option<Comparison> {
        let at = |name| self.names.iter().position(|known| *known == name);
        let (ours, other) = (at(ours)?, at(other)?);
        let all = |pick: &dyn Fn(&[Vec<f64>]) -> f64| -> Vec<f64> {
            let mut values: Vec<_> = self.rounds.iter().map(|round| pick(round)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let ratios = all(&|round| round[ours][point] / round[other][point]);
        Some(Comparison {
            ours: quantile(&all(&|round| round[ours][point]), 0.5),
            other: quantile(&all(&|round| round[other][point]), 0.5),
            ratio: quantile(&ratios, 0.5),
            low: quantile(&ratios, 0.1),
            high: quantile(&ratios, 0.9),
        })
    }

    /// How many rounds there were.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.len()
    }
}

/// A quantile of sorted values, between its neighbours.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * part;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_round_changes_the_ratio() {
        let slow = std::cell::Cell::new(0);
        let time = |base: f64| {
            let slow = &slow;
            move || {
                slow.set(slow.get() + 1);
                // Both are slow together in every third round.
                Ok(vec![if (slow.get() - 1) / 2 % 3 == 0 { base * 10.0 } else { base }])
            }
        };
        let mut contestants = [Contestant::new("a", time(2.0)), Contestant::new("b", time(4.0))];
        let times = race(&mut contestants, Length { seconds: 0.0, least: 9, most: 9, warm_up: 1 }).unwrap();
        let comparison = times.compare("a", "b", 0).unwrap();
        assert_eq!((comparison.low, comparison.ratio, comparison.high), (0.5, 0.5, 0.5));
        assert_eq!((comparison.ours, comparison.other), (2.0, 4.0));
        assert_eq!((times.rounds(), times.compare("a", "c", 0)), (9, None));
    }

    #[test]
    fn quantiles_are_off() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
    }
}
