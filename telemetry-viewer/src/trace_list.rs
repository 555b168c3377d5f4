//! Traces one a line.

use std::fmt::Write;

use crate::model::{Summary, Trace};
use crate::text::{duration, escape, fit, plural, shortened, time};

/// Writes each trace on one line: start, how long the caller waited, spans, status, name, service, the reason of an
/// error and the id. With a width the line is cut there, with the id in place of what is too long.
pub fn render_traces(traces: &[Trace], width: Option<usize>, colours: bool) -> String {
    let mut out = String::new();
    for trace in traces {
        let summary = Summary::of(&trace.spans);
        let failed = summary.errors > 0;
        let mut line = format!(
            "{} {:>8} {:>10} ",
            &time(summary.start_unix_nanos)[11..23],
            duration(summary.duration_nanos()),
            plural(summary.spans, "span"),
        );
        let id = trace.trace_id.to_string();
        if width.is_none() {
            let _ = write!(line, "{id} ");
        }
        line.push_str(if failed { "✕ " } else { "  " });
        if let Some(root) = &summary.root {
            let _ = write!(line, "{} [{}]", root.name, root.service);
            if let Some(status) = root.attribute("http.response.status_code") {
                let _ = write!(line, " {status}");
            }
        }
        if failed {
            let _ = write!(line, " {}", summary.reason());
        }
        let line = escape(&shortened(&line, 2000));
        let line = match width {
            // The id stands at the end, where it can be marked with two clicks.
            Some(width) if width > 100 => {
                let text = fit(&line, width - id.len() - 1);
                format!("{text} {id}")
            }
            Some(width) => fit(&line, width),
            None => line,
        };
        let (paint, end) = if colours && failed {
            ("\x1b[31m", "\x1b[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(out, "{paint}{line}{end}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{SpanExt, span, trace};

    #[test]
    fn a_trace_is_one_line_that_fits() {
        let failed = trace([
            span(1, 0, "POST /checkout", 0, 20).with("http.response.status_code", "502"),
            span(2, 1, "Charge", 0, 20).failed("declined\nhard"),
        ]);
        let id = "07".repeat(16);
        assert_eq!(
            render_traces(std::slice::from_ref(&failed), None, false),
            format!(
                "22:13:20.000   20.0ms    2 spans {id} ✕ POST /checkout [web] 502 declined\\nhard\n"
            )
        );
        for width in [20, 80, 120] {
            let line = render_traces(std::slice::from_ref(&failed), Some(width), false);
            assert!(line.trim_end().chars().count() <= width, "{line}");
            assert_eq!(line.lines().count(), 1);
        }
        assert!(render_traces(&[failed], Some(80), true).starts_with("\u{1b}[31m"));
    }
}
