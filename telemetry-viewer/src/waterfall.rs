//! A trace as a waterfall in characters.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::analysis::findings::findings;
use crate::analysis::outline::{Row, outline, statement};
use crate::analysis::timeline::{Interval, Timeline};
use crate::model::{Span, Summary, Trace, reason};
use crate::text::{Line, count, duration, escape, fit, plural, shortened};

#[cfg(test)]
mod tests;

/// Nothing is drawn narrower than this.
const MIN_WIDTH: usize = 40;
/// Columns of a duration: `1000.0ms` and a blank on each side.
const DURATION: usize = 9;
const MAX_INDENT: usize = 12;

/// How [`Trace::waterfall`] draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaterfallStyle {
    /// Columns of the terminal. Default 80, at least 40.
    pub width: usize,
    /// Whether to use ANSI colours: one for each service, red for errors. Default false.
    pub colours: bool,
    /// Rows at most; a line says how many are missing. Default 200.
    pub max_rows: usize,
}

impl Default for WaterfallStyle {
    fn default() -> Self {
        Self {
            width: 80,
            colours: false,
            max_rows: 200,
        }
    }
}

impl WaterfallStyle {
    /// Draws for a terminal of so many columns.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Uses ANSI colours or not.
    #[must_use]
    pub fn with_colours(mut self, colours: bool) -> Self {
        self.colours = colours;
        self
    }
}

impl Trace {
    /// The trace as a waterfall: name, duration and a bar on the axis of time for each span; equal siblings are one
    /// row; a failed span is followed by its reason. Above it: how long the caller waited and where the time went;
    /// below it, what is odd. No line is longer than the width; control characters are escaped.
    pub fn waterfall(&self, style: &WaterfallStyle) -> String {
        let timeline = Timeline::of(self);
        let chart = Chart::new(self, &timeline, style);
        let mut out = chart.head(self);
        chart.axis(&mut out);
        let rows = outline(&timeline.forest, None, true);
        for row in rows.iter().take(style.max_rows) {
            chart.row(row, &mut out);
        }
        if rows.len() > style.max_rows {
            let _ = writeln!(
                out,
                "… and {} more",
                plural(rows.len() - style.max_rows, "row")
            );
        }
        for finding in findings(&timeline) {
            let title = finding.kind.title();
            let mut line = chart.line();
            line.word(chart.colour("1;33"), &format!("{title}:"));
            escape(&finding.text)
                .split(' ')
                .for_each(|word| line.word("", &fit(word, chart.width - 2)));
            out.push_str(&line.finish());
        }
        out
    }
}

struct Chart<'a> {
    timeline: &'a Timeline<'a>,
    services: Vec<&'a str>,
    /// The moment from which times are told.
    start: i128,
    /// What the axis shows.
    whole: Interval,
    name: usize,
    bar: usize,
    width: usize,
    colours: bool,
}

impl<'a> Chart<'a> {
    fn new(trace: &'a Trace, timeline: &'a Timeline<'a>, style: &WaterfallStyle) -> Self {
        let width = style.width.max(MIN_WIDTH);
        let name = (width * 9 / 20).min(64);
        Self {
            timeline,
            services: trace.services(),
            start: timeline.whole().0,
            whole: window(trace, timeline),
            name,
            bar: width - name - DURATION,
            width,
            colours: style.colours,
        }
    }

    fn colour(&self, colour: &'static str) -> &'static str {
        if self.colours { colour } else { "" }
    }

    fn line(&self) -> Line {
        Line::new(Some(self.width), String::new(), "  ".to_owned())
    }

    fn head(&self, trace: &Trace) -> String {
        let summary = Summary::of(&trace.spans);
        let mut line = self.line();
        if let Some(root) = &summary.root {
            let name = escape(&shortened(&root.name, self.width));
            line.word(self.colour("1"), &fit(&name, self.width));
            line.word("", &fit(&escape(&root.service), self.width));
        }
        let answered = format!("answered in {}", duration(summary.duration_nanos()));
        line.word("", &answered);
        if summary.goes_on() {
            let after = duration(summary.finished_after_nanos);
            line.word("", &format!("finished after {after}"));
        }
        line.word("", &plural(summary.spans, "span"));
        line.word("", &plural(summary.services.len(), "service"));
        let mut out = line.finish();
        let mut line = self.line();
        let spent = format!("where the time went: {}", trace.time_spent().summary());
        spent.split(' ').for_each(|word| line.word("", word));
        out.push_str(&line.finish());
        let _ = writeln!(out, "trace {}", trace.trace_id);
        out
    }

    /// The times at the start, the middle and the end of the bars.
    fn axis(&self, out: &mut String) {
        let total = self.whole.nanos();
        let end = duration(total);
        let middle = duration(total / 2);
        let mut axis = format!("{:width$}0", "", width = self.name + DURATION);
        if self.bar > 3 * (middle.width() + end.width()) {
            let pad = self.bar / 2 - 1;
            let _ = write!(axis, "{:pad$}{middle}", "");
        }
        let used = axis.width();
        let pad = self.width.saturating_sub(used + end.width());
        let _ = writeln!(out, "{axis}{:pad$}{end}", "");
    }

    fn row(&self, row: &Row, out: &mut String) {
        let span = self.timeline.forest.span(row.first);
        let failed = span.is_error();
        let service = self.services.iter().position(|it| *it == span.service);
        let colour = match (failed, service) {
            (true, _) => "31",
            (false, Some(index)) => COLOURS[index % COLOURS.len()],
            (false, None) => "",
        };
        let name = self.pad(&self.label(row, span));
        let length = duration(row.total_nanos(self.timeline));
        let bar = self.bar(row.interval(self.timeline));
        let (paint, end) = match self.colour(colour) {
            "" => (String::new(), ""),
            colour => (format!("\x1b[{colour}m"), "\x1b[0m"),
        };
        let red = if failed { paint.as_str() } else { "" };
        let black = if failed { end } else { "" };
        let line = format!("{red}{name}{black}{length:>8} {paint}{bar}");
        let _ = writeln!(out, "{}{end}", line.trim_end());
        let causes = &self.timeline.forest.children[row.first];
        let below = causes
            .iter()
            .any(|it| self.timeline.forest.span(*it).is_error());
        if failed && !below {
            let indent = 2 * row.depth.min(MAX_INDENT) + 2;
            let text = escape(&shortened(&reason(span), 1000));
            let text = fit(&text, self.width.saturating_sub(indent));
            let _ = writeln!(out, "{:indent$}{paint}{text}{end}", "");
        }
    }

    fn label(&self, row: &Row, span: &Span) -> String {
        let indent = 2 * row.depth.min(MAX_INDENT);
        let mut label = format!("{:indent$}", "");
        if row.depth > MAX_INDENT {
            let _ = write!(label, "({}) ", row.depth);
        }
        label.push_str(if span.is_error() { "✕ " } else { "" });
        if row.count() > 1 {
            let _ = write!(label, "{}× ", count(row.count()));
        }
        label.push_str(match span.name.as_str() {
            "" => "(no name)",
            name => name,
        });
        if row.is_n_plus_one(&self.timeline.forest) {
            label.push_str(" N+1?");
        }
        let above = self.timeline.forest.parent(row.first);
        if above.is_none_or(|above| above.service != span.service) {
            let _ = write!(label, " [{}]", span.service);
        }
        if let Some(status) = span.attribute("http.response.status_code") {
            let _ = write!(label, " {status}");
        } else if let Some(text) = statement(span).filter(|text| *text != span.name) {
            let _ = write!(label, "  {}", shortened(text, self.name));
        }
        escape(&shortened(&label, 4 * self.name))
    }

    fn pad(&self, label: &str) -> String {
        let label = fit(label, self.name);
        let pad = self.name - label.width();
        format!("{label}{:pad$}", "")
    }

    fn bar(&self, interval: Interval) -> String {
        if interval.0 >= self.whole.1 && self.whole.nanos() > 0 {
            let after = u64::try_from(interval.0 - self.start).unwrap_or(0);
            let label = format!("+{} →", duration(after));
            let pad = self.bar.saturating_sub(label.width());
            return fit(&format!("{:pad$}{label}", ""), self.bar);
        }
        let total = self.whole.nanos().max(1) as f64;
        let place = |at: i128| (at - self.whole.0) as f64 / total * self.bar as f64;
        let (start, end) = (place(interval.0), place(interval.1));
        let first = (start.floor() as usize).min(self.bar - 1);
        if end - start < 0.5 {
            return format!("{:first$}▏", "");
        }
        let last = (end.ceil() as usize).clamp(first + 1, self.bar);
        format!("{:first$}{}", "", "█".repeat(last - first))
    }
}

/// The whole trace, or the time until the answer if work goes on for long after it.
fn window(trace: &Trace, timeline: &Timeline<'_>) -> Interval {
    match timeline.forest.root() {
        Some(root) if Summary::of(&trace.spans).goes_on_long() => timeline.intervals[root],
        _ => timeline.whole(),
    }
}

const COLOURS: [&str; 6] = ["34", "35", "33", "36", "32", "94"];
