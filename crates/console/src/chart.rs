//! Bars day by day, drawn here as SVG, with the same figures as a table for whoever does not see them.

use chrono::NaiveDate;
use maud::{Markup, html};

const WIDTH: u64 = 560;
const HEIGHT: u64 = 140;
const FOOT: u64 = 24;

/// One part of every bar.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// The class that colours it.
    pub(crate) class: &'static str,
}

/// One bar: a day, and the number of each series.
pub(crate) struct Bar {
    pub(crate) day: NaiveDate,
    pub(crate) numbers: Vec<u64>,
}

/// The chart of these bars.
pub(crate) fn bars(title: &str, series: &[Series], bars: &[Bar]) -> Markup {
    let total = |bar: &Bar| bar.numbers.iter().sum::<u64>();
    let all: u64 = bars.iter().map(total).sum();
    let most = bars.iter().map(total).max().unwrap_or(0).max(1);
    let step = WIDTH / (bars.len() as u64).max(1);
    html! {
        figure.chart {
            figcaption {
                strong { (title) }
                span.faint { (all) " in " (bars.len()) " days" }
            }
            svg viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + FOOT)) aria-hidden="true" focusable="false" {
                line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                @for (place, bar) in bars.iter().enumerate() {
                    @let x = place as u64 * step;
                    (column(x, step, most, series, bar))
                    @if place % 3 == (bars.len() + 2) % 3 {
                        @let (x, anchor) = if place + 1 == bars.len() { (x + step, "end") } else { (x + step / 2, "middle") };
                        text x=(x) y=(HEIGHT + FOOT - 5) text-anchor=(anchor) { (bar.day.format("%-d %b")) }
                    }
                }
            }
            @if series.len() > 1 {
                ul.legend aria-hidden="true" {
                    @for one in series { li class=(one.class) { (one.name) } }
                }
            }
            details {
                summary { "Figures" }
                div.scroll tabindex="0" role="region" aria-label=(format!("{title}, figures")) {
                    table {
                        thead { tr { th scope="col" { "Day" } @for one in series { th.number scope="col" { (one.name) } } } }
                        tbody {
                            @for bar in bars.iter().rev() {
                                tr {
                                    th scope="row" { (bar.day.format("%-d %b %Y")) }
                                    @for number in &bar.numbers { td.number { (number) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn column(x: u64, step: u64, most: u64, series: &[Series], bar: &Bar) -> Markup {
    let mut top = HEIGHT;
    let parts: Vec<(u64, u64, &str)> = bar
        .numbers
        .iter()
        .zip(series)
        .filter(|(number, _)| **number > 0)
        .map(|(number, one)| {
            // What there is, is seen.
            let height = (number.saturating_mul(HEIGHT - 8) / most).max(2).min(top);
            top -= height;
            (top, height, one.class)
        })
        .collect();
    let width = step.saturating_sub((step / 4).max(2)).max(1);
    html! {
        @for (y, height, class) in parts {
            rect class=(class) x=(x + (step - width) / 2) y=(y) width=(width) height=(height) rx="2" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_the_chart_whatever_the_numbers() {
        let series = [
            Series {
                name: "a",
                class: "one",
            },
            Series {
                name: "b",
                class: "two",
            },
        ];
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        for numbers in [[0, 0], [1, 1_000_000], [u64::MAX / 4, 3], [5, 5]] {
            let bar = Bar {
                day,
                numbers: numbers.to_vec(),
            };
            let drawn =
                column(0, 40, numbers.iter().sum::<u64>().max(1), &series, &bar).into_string();
            for part in drawn.split("<rect").skip(1) {
                let number = |name: &str| -> u64 {
                    let (_, rest) = part.split_once(&format!(" {name}=\"")).unwrap();
                    rest.split('"').next().unwrap().parse().unwrap()
                };
                assert!(number("y") + number("height") <= HEIGHT, "{drawn}");
            }
        }
    }
}
