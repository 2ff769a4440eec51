//! Figures of one side, by rounds, and what is said of them.

/// What is said of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    Median,
    Mean,
    P99,
}

/// All figures of one side, in the rounds in which they were taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    rounds: Vec<Vec<f64>>,
}

impl Sample {
    /// From now on, figures are of a new round.
    pub(crate) fn begin_round(&mut self) {
        self.rounds.push(Vec::new());
    }

    pub(crate) fn add(&mut self, value: f64) {
        if self.rounds.is_empty() {
            self.begin_round();
        }
        if let Some(round) = self.rounds.last_mut() {
            round.push(value);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// Returns the statistic of all figures.
    pub(crate) fn statistic(&self, statistic: Statistic) -> f64 {
        of(&self.sorted(), statistic)
    }

    /// Returns the statistic of each round.
    pub(crate) fn by_round(&self, statistic: Statistic) -> Vec<f64> {
        self.rounds
            .iter()
            .map(|round| of(&sorted(round.clone()), statistic))
            .collect()
    }

    /// Returns the first and third quartile: of all figures for a median, and of the rounds' own values
    /// for what is not a place in the distribution or is far out in it.
    pub(crate) fn quartiles(&self, statistic: Statistic) -> (f64, f64) {
        let values = match statistic {
            Statistic::Median => self.sorted(),
            Statistic::Mean | Statistic::P99 => sorted(self.by_round(statistic)),
        };
        (quantile(&values, 0.25), quantile(&values, 0.75))
    }

    fn sorted(&self) -> Vec<f64> {
        sorted(self.rounds.concat())
    }
}

/// A ratio of two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Of all figures.
    pub(crate) value: f64,
    /// The lowest and the highest of the rounds.
    pub(crate) range: (f64, f64),
}

impl Ratio {
    pub(crate) fn of(ours: &Sample, theirs: &Sample, statistic: Statistic) -> Self {
        let rounds = ours
            .by_round(statistic)
            .into_iter()
            .zip(theirs.by_round(statistic));
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (a, b) in rounds {
            low = low.min(a / b);
            high = high.max(a / b);
        }
        let value = ours.statistic(statistic) / theirs.statistic(statistic);
        Self {
            value,
            range: (low, high),
        }
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn of(sorted: &[f64], statistic: Statistic) -> f64 {
    match statistic {
        Statistic::Median => quantile(sorted, 0.5),
        Statistic::P99 => quantile(sorted, 0.99),
        Statistic::Mean => sorted.iter().sum::<f64>() / count(sorted.len()),
    }
}

/// Interpolates linearly between the two nearest figures.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = part * count(last);
    let below = sorted.get(floor(place).min(last));
    let above = sorted.get((floor(place) + 1).min(last));
    match (below, above) {
        (Some(below), Some(above)) => below + (above - below) * place.fract(),
        _ => f64::NAN,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "samples have far fewer than 2^52 figures"
)]
fn count(length: usize) -> f64 {
    length as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place within a sample, never negative"
)]
fn floor(place: f64) -> usize {
    place as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_the_textbook() {
        let mut sample = Sample::default();
        for round in [[4.0, 1.0], [3.0, 2.0]] {
            sample.begin_round();
            round.iter().for_each(|value| sample.add(*value));
        }
        assert_eq!(sample.len(), 4);
        assert!((sample.statistic(Statistic::Median) - 2.5).abs() < 1e-9);
        assert!((sample.statistic(Statistic::Mean) - 2.5).abs() < 1e-9);
        assert!((sample.statistic(Statistic::P99) - 3.97).abs() < 1e-9);
        assert_eq!(sample.quartiles(Statistic::Median), (1.75, 3.25));
        assert_eq!(sample.by_round(Statistic::Mean), [2.5, 2.5]);
        let ratio = Ratio::of(&sample, &sample, Statistic::Median);
        assert_eq!(
            ratio,
            Ratio {
                value: 1.0,
                range: (1.0, 1.0)
            }
        );
    }

    #[test]
    fn nothing_has_no_median() {
        assert!(Sample::default().statistic(Statistic::Median).is_nan());
    }
}
