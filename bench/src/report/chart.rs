//! Bars as SVG, readable on light and on dark pages.

use std::fmt::Write as _;

/// One bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    /// What is written at its end.
    pub(crate) shown: String,
    /// Where a goal is.
    pub(crate) mark: Option<f64>,
    pub(crate) tone: Tone,
}

/// What a bar's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ours, or a goal that is met.
    Good,
    /// A goal that is missed.
    Bad,
    /// Another's.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// Bars under headings; the longest value or mark takes the whole width. `line` is a value that a dashed line marks, and
/// what it means.
pub(crate) fn bars(groups: &[(String, Vec<Bar>)], line: Option<(f64, &str)>) -> String {
    const ROW: f64 = 28.0;
    const LEFT: f64 = 340.0;
    const WIDTH: f64 = 310.0;
    let all = || groups.iter().flat_map(|(_, bars)| bars);
    let most = all().fold(line.map_or(f64::MIN_POSITIVE, |(at, _)| at), |most, bar| {
        most.max(bar.value).max(bar.mark.unwrap_or_default())
    });
    let scale = WIDTH / most;
    let headings = groups.iter().filter(|(title, _)| !title.is_empty()).count();
    let height = (all().count() + headings) as f64 * ROW + 44.0;
    let mut svg = open(740.0, height);
    if let Some((at, meaning)) = line {
        let x = LEFT + at * scale;
        let _ = writeln!(
            svg,
            "<line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"8\" y2=\"{:.0}\"/>\
             <text class=\"soft\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            height - 28.0,
            height - 11.0,
            escaped(meaning)
        );
    }
    let mut y = 10.0;
    for (title, bars) in groups {
        if !title.is_empty() {
            let _ = writeln!(
                svg,
                "<text class=\"ink\" font-weight=\"600\" x=\"12\" y=\"{:.0}\">{}</text>",
                y + 15.0,
                escaped(title)
            );
            y += ROW;
        }
        for bar in bars {
            let (label, shown) = (escaped(&bar.label), escaped(&bar.shown));
            let (class, width) = (bar.tone.class(), (bar.value * scale).max(1.0));
            let _ = writeln!(
                svg,
                "<text class=\"ink\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>\
                 <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"19\" rx=\"3\"/>",
                LEFT - 10.0,
                y + 14.0,
            );
            let mut end = LEFT + width;
            if let Some(mark) = bar.mark {
                let x = LEFT + mark * scale;
                end = end.max(x);
                let _ = writeln!(
                    svg,
                    "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.0}\" y2=\"{:.0}\"/>",
                    y - 3.0,
                    y + 22.0
                );
            }
            let _ = writeln!(
                svg,
                "<text class=\"ink\" x=\"{:.1}\" y=\"{:.0}\">{shown}</text>",
                end + 8.0,
                y + 14.0
            );
            y += ROW;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The head, with colours for both kinds of pages; a picture has no other way to know.
fn open(width: f64, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <style>\n\
         .page {{ fill: #ffffff }} .ink {{ fill: #1d2026 }} .soft {{ fill: #5b616b }}\n\
         .good {{ fill: #2f7d5b }} .bad {{ fill: #b3672b }} .plain {{ fill: #8a93a3 }}\n\
         .rule {{ stroke: #8a8f98; stroke-dasharray: 3 3 }} .mark {{ stroke: #1d2026; stroke-width: 2 }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         .page {{ fill: #15181e }} .ink {{ fill: #e6e9ef }} .soft {{ fill: #a4abb8 }}\n\
         .good {{ fill: #4fae84 }} .bad {{ fill: #d98a4b }} .plain {{ fill: #6d7789 }}\n\
         .rule {{ stroke: #6d7480 }} .mark {{ stroke: #e6e9ef }}\n\
         }}\n\
         </style>\n\
         <rect class=\"page\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"6\"/>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('`', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_the_picture() {
        let bar = Bar {
            label: "`a` < b & c".to_owned(),
            value: 2.0,
            shown: "2".to_owned(),
            mark: Some(4.0),
            tone: Tone::Good,
        };
        let svg = bars(&[("T".to_owned(), vec![bar])], Some((1.0, "one")));
        assert!(svg.contains("a &lt; b &amp; c"));
        // The mark is the largest, and so at the right end; the bar has half of its width.
        assert!(svg.contains("x1=\"650.0\"") && svg.contains("width=\"155.0\""));
    }
}
