//! What was found, as a table for people and a picture beside it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;

use crate::Failure;
use crate::cases::{Case, Goal};
use crate::load::Measurement;

/// One case with all its measurements, the bare route's and ours of each round side by side.
pub(crate) struct Line {
    pub(crate) case: &'static Case,
    pairs: Vec<(Measurement, Measurement)>,
}

/// Figures of the process.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) started_in: Duration,
    /// Mebibytes.
    pub(crate) idle: f64,
    pub(crate) peak: f64,
    pub(crate) peak_forgetful: f64,
}

pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    pub(crate) facts: Facts,
    pub(crate) seconds: u64,
    pub(crate) rounds: usize,
}

impl Line {
    pub(crate) fn new(case: &'static Case) -> Self {
        Self {
            case,
            pairs: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, floor: Measurement, ours: Measurement) {
        self.pairs.push((floor, ours));
    }

    /// The ratio of each round, sorted.
    fn ratios(&self) -> Vec<f64> {
        sorted(self.pairs.iter().map(|(floor, ours)| match self.case.goal {
            Goal::Rate(_) => ours.rate / floor.rate,
            Goal::Median(_) => ours.p50.as_secs_f64() / floor.p50.as_secs_f64(),
        }))
    }

    fn figures(&self) -> (String, String) {
        let shown = |of: fn(&(Measurement, Measurement)) -> Measurement| match self.case.goal {
            Goal::Rate(_) => {
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
        let times = sorted(
            self.pairs
                .iter()
                .map(|(_, ours)| ours.p99.as_secs_f64() * 1000.0),
        );
        median(&times)
    }

    fn goal(&self) -> (String, bool) {
        let ratio = median(&self.ratios());
        match self.case.goal {
            Goal::Rate(goal) => (format!("≥ {goal:.2}"), ratio >= goal),
            Goal::Median(goal) => (format!("≤ {goal:.2}"), ratio <= goal),
        }
    }
}

impl Report {
    /// Writes `README.md` and `ratios.svg` into the folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("README.md"), self.page())?;
        std::fs::write(folder.join("ratios.svg"), self.chart())?;
        Ok(())
    }

    fn page(&self) -> String {
        format!(
            "# Benchmarks\n\n\
             Written by `cargo xtask bench` on {date}: {cores} processor cores that the load generator, the servers and\n\
             PostgreSQL (fsync on) share, loopback, release builds, {rounds} rounds of {seconds} s. Every round visits all\n\
             servers in turn; the figures are medians over the rounds, and the ratio's spread stands in brackets. Only\n\
             ratios say something: absolute figures move with the machine.\n\n\
             {table}\n\
             ![Ratios to the bare routes](ratios.svg)\n\n\
             The service starts on a new PostgreSQL database, migrations included, in {start} ms, is resident with\n\
             {idle:.0} MiB before the first request, and peaked at {peak:.0} MiB during this run ({forgetful:.0} MiB with a\n\
             memory for 1,000 tokens).\n\n\
             The bare server is `bench floor`: axum's own `serve`, no middleware, a pool of ten connections, and no\n\
             signature check or bookkeeping of webhooks. Where every token is new, the service is one that remembers\n\
             1,000 tokens and gets 12,000 in turn, so that each is verified, remembered and forgotten.\n",
            date = Utc::now().format("%Y-%m-%d"),
            cores = std::thread::available_parallelism().map_or(0, usize::from),
            rounds = self.rounds,
            seconds = self.seconds,
            table = self.table(),
            start = self.facts.started_in.as_millis(),
            idle = self.facts.idle,
            peak = self.facts.peak,
            forgetful = self.facts.peak_forgetful,
        )
    }

    /// The table as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| work | beside a bare axum route with | bare | service | p99 | ratio | goal | |\n\
             |---|---|--:|--:|--:|--:|--:|---|\n",
        );
        for line in &self.lines {
            let ratios = line.ratios();
            let ((floor, ours), (goal, met)) = (line.figures(), line.goal());
            let spread = format!(
                "{:.2}–{:.2}",
                ratios.first().copied().unwrap_or_default(),
                ratios.last().copied().unwrap_or_default()
            );
            let _ = writeln!(
                table,
                "| {} | {} | {floor} | {ours} | {:.1} ms | **{:.2}** ({spread}) | {goal} | {} |",
                line.case.name,
                line.case.beside,
                line.p99(),
                median(&ratios),
                if met { "met" } else { "missed" },
            );
        }
        table
    }

    /// A bar for each ratio, with a mark at its goal. Times are turned round, so that longer is always better.
    fn chart(&self) -> String {
        const ROW: usize = 34;
        const LEFT: f64 = 330.0;
        const WIDTH: f64 = 360.0;
        let height = self.lines.len() * ROW + 40;
        let values: Vec<(f64, f64)> = self
            .lines
            .iter()
            .map(|line| {
                let ratio = median(&line.ratios());
                match line.case.goal {
                    Goal::Rate(goal) => (ratio, goal),
                    Goal::Median(goal) => (ratio.recip(), goal.recip()),
                }
            })
            .collect();
        let top = values
            .iter()
            .fold(1.0_f64, |top, (ratio, goal)| top.max(*ratio).max(*goal))
            * 1.1;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
             <rect width=\"740\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        let one = LEFT + WIDTH / top;
        let _ = writeln!(
            svg,
            "<line x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"8\" y2=\"{}\" stroke=\"#8a8f98\" stroke-dasharray=\"3 3\"/>\
             <text x=\"{one:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#5b616b\">1.0 = the bare route</text>",
            height - 26,
            height - 10
        );
        for (k, (line, (ratio, goal))) in self.lines.iter().zip(&values).enumerate() {
            let y = 10 + k * ROW;
            let name = line
                .case
                .name
                .replace('`', "")
                .replace('&', "&amp;")
                .replace('<', "&lt;");
            let (bar, mark) = (WIDTH * ratio / top, LEFT + WIDTH * goal / top);
            let colour = if ratio >= goal { "#2f7d5b" } else { "#b3672b" };
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1d2026\">{name}</text>\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{bar:.1}\" height=\"20\" rx=\"3\" fill=\"{colour}\"/>\
                 <line x1=\"{mark:.1}\" x2=\"{mark:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#1d2026\" stroke-width=\"2\"/>\
                 <text x=\"{:.1}\" y=\"{}\" fill=\"#1d2026\">{ratio:.2}</text>",
                LEFT - 10.0,
                y + 15,
                y - 3,
                y + 23,
                LEFT + bar.max(mark - LEFT) + 8.0,
                y + 15
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut shown = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_thousands() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }

    #[test]
    fn the_median_of_three_is_the_middle_one() {
        assert_eq!(median(&sorted([3.0, 1.0, 2.0].into_iter())), 2.0);
    }
}
