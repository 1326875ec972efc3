//! One row with its measurements: the ratio of each round, the figures, and whether the goal is met.

use super::figures::{median, ratio, sorted, thousands};
use crate::cases::{Goal, Row};
use crate::load::Measurement;
use crate::rounds::Samples;

pub(crate) struct Line<'a> {
    pub(crate) row: &'a Row,
    /// The other's measurement and ours of each round; of several others, the best of that round.
    pairs: Vec<(Measurement, Measurement)>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(row: &'a Row, samples: &Samples) -> Self {
        let ours = samples.of(row, row.ours);
        let best = |round: usize| {
            let others = row
                .beside
                .iter()
                .filter_map(|who| samples.of(row, *who).get(round));
            others
                .copied()
                .max_by(|one, other| one.rate.total_cmp(&other.rate))
        };
        let pairs = ours
            .iter()
            .enumerate()
            .filter_map(|(round, ours)| Some((best(round)?, *ours)))
            .collect();
        Self { row, pairs }
    }

    /// The ratio of each round, sorted.
    fn ratios(&self) -> Vec<f64> {
        sorted(self.pairs.iter().map(|(other, ours)| match self.row.goal {
            Goal::Rate(_) | Goal::Told => ours.rate / other.rate,
            Goal::Median(_) => ours.p50.as_secs_f64() / other.p50.as_secs_f64(),
        }))
    }

    pub(crate) fn ratio(&self) -> f64 {
        median(&self.ratios())
    }

    /// The other's figure, and ours.
    fn figures(&self) -> (String, String) {
        let shown = |of: fn(&(Measurement, Measurement)) -> Measurement| match self.row.goal {
            Goal::Rate(_) | Goal::Told => {
                let rates = sorted(self.pairs.iter().map(|pair| of(pair).rate));
                format!("{} /s", thousands(median(&rates)))
            }
            Goal::Median(_) => {
                let times = sorted(self.pairs.iter().map(|pair| of(pair).p50.as_secs_f64()));
                format!("{:.2} ms", median(&times) * 1000.0)
            }
        };
        (shown(|pair| pair.0), shown(|pair| pair.1))
    }

    fn p99(&self) -> f64 {
        let times = self.pairs.iter();
        median(&sorted(
            times.map(|(_, ours)| ours.p99.as_secs_f64() * 1000.0),
        ))
    }

    /// The goal in words, and whether it is met; nothing where nothing is promised.
    pub(crate) fn goal(&self) -> Option<(String, bool)> {
        let found = self.ratio();
        match self.row.goal {
            Goal::Rate(goal) => Some((format!("≥ {}", ratio(goal)), found >= goal)),
            Goal::Median(goal) => Some((format!("≤ {}", ratio(goal)), found <= goal)),
            Goal::Told => None,
        }
    }

    pub(crate) const HEAD: &'static str = "| work | beside | the other | service | p99 | ratio | goal | |\n|---|---|--:|--:|--:|--:|--:|---|\n";

    /// As a line of Markdown.
    pub(crate) fn markdown(&self) -> String {
        let (ratios, (other, ours)) = (self.ratios(), self.figures());
        let spread = format!(
            "{}–{}",
            ratio(ratios.first().copied().unwrap_or_default()),
            ratio(ratios.last().copied().unwrap_or_default())
        );
        let (goal, met) = match self.goal() {
            Some((goal, true)) => (goal, "met"),
            Some((goal, false)) => (goal, "**missed**"),
            None => (String::new(), ""),
        };
        format!(
            "| {} | {} | {other} | {ours} | {:.1} ms | **{}** ({spread}) | {goal} | {met} |\n",
            self.row.name,
            self.row.beside_name,
            self.p99(),
            ratio(self.ratio()),
        )
    }
}
