//! Two traces side by side, in characters.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::analysis::compare::{Pair, compare, slower};
use crate::model::Trace;
use crate::text::{Line, duration, escape, fit, shortened};
use crate::waterfall::WaterfallStyle;

/// Places that are named before the table.
const MAX_NAMED: usize = 5;
/// Columns of the three durations.
const FIGURES: usize = 30;

impl Trace {
    /// What differs in the other trace: what takes longer there, what is new and what is gone, and a table of all
    /// places of both. Places are the same if the names from the root down to them are.
    pub fn difference(&self, other: &Self, style: &WaterfallStyle) -> String {
        let pairs = compare(self, other);
        let width = style.width.max(60);
        let mut out = String::new();
        let (a, b) = (self.response_nanos(), other.response_nanos());
        let _ = writeln!(out, "A {} {}", self.trace_id, duration(a));
        let _ = writeln!(out, "B {} {}", other.trace_id, duration(b));
        for pair in slower(&pairs).into_iter().take(MAX_NAMED) {
            let more = u64::try_from(pair.own_change()).unwrap_or(0);
            let name = escape(&shortened(&pair.name, width));
            let new = if pair.is_new() { "new: " } else { "" };
            let mut line = Line::new(Some(width), String::new(), "  ".to_owned());
            line.word("", &fit(&format!("{new}{name}"), width));
            line.word("", &format!("itself takes {} more", duration(more)));
            out.push_str(&line.finish());
        }
        let _ = writeln!(
            out,
            "\n{:name$}{:>10}{:>10}{:>10}",
            "",
            "A",
            "B",
            "change",
            name = width - FIGURES
        );
        for pair in pairs.iter().take(style.max_rows) {
            out.push_str(&row(pair, width, style.colours));
        }
        out
    }
}

fn row(pair: &Pair, width: usize, colours: bool) -> String {
    let indent = 2 * pair.depth.min(12);
    let name = escape(&shortened(&pair.name, width));
    let label = fit(&format!("{:indent$}{name}", ""), width - FIGURES - 1);
    let pad = width - FIGURES - label.width();
    let side = |count: usize, nanos: u64| match count {
        0 => "–".to_owned(),
        _ => duration(nanos),
    };
    let change = i128::from(pair.b.total_nanos) - i128::from(pair.a.total_nanos);
    let size = duration(u64::try_from(change.unsigned_abs()).unwrap_or(u64::MAX));
    let (word, colour) = match change {
        _ if pair.is_new() => ("new".to_owned(), "33"),
        _ if pair.is_gone() => ("gone".to_owned(), "2"),
        0 => (String::new(), ""),
        1.. => (format!("+{size}"), "31"),
        _ => (format!("-{size}"), "32"),
    };
    let line = format!(
        "{label}{:pad$}{:>10}{:>10}{word:>10}",
        "",
        side(pair.a.count, pair.a.total_nanos),
        side(pair.b.count, pair.b.total_nanos)
    );
    let line = line.trim_end();
    match colour {
        colour if colours && !colour.is_empty() => format!("\x1b[{colour}m{line}\x1b[0m\n"),
        _ => format!("{line}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{span, trace};

    #[test]
    fn what_is_longer_new_and_gone_stands_in_a_table() {
        let a = trace([span(1, 0, "GET /", 0, 20), span(2, 1, "cache", 0, 5)]);
        let b = trace([span(1, 0, "GET /", 0, 50), span(2, 1, "load", 0, 45)]);
        let id = "07".repeat(16);
        assert_eq!(
            a.difference(&b, &WaterfallStyle::default().with_width(60)),
            format!(
                "A {id} 20.0ms\nB {id} 50.0ms\nnew: load itself takes 45.0ms more\n\n\
                 \x20                                      A         B    change\n\
                 GET /                             20.0ms    50.0ms   +30.0ms\n\
                 \x20 cache                           5.00ms         –      gone\n\
                 \x20 load                                 –    45.0ms       new\n"
            )
        );
    }
}
