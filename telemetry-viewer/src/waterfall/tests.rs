use super::*;
use crate::analysis::fixture::{SpanExt, n_plus_one, span, trace};
use crate::model::SpanKind;

fn checkout() -> Trace {
    trace([
        span(1, 0, "POST /checkout", 0, 20)
            .kind(SpanKind::Server)
            .with("http.response.status_code", "502")
            .failed("payment gateway unavailable"),
        span(2, 1, "Verify", 0, 10),
        span(3, 1, "Charge", 10, 20).failed("payment gateway unavailable"),
        span(4, 3, "deliver", 30, 40)
            .kind(SpanKind::Consumer)
            .of("worker"),
    ])
}

#[test]
fn a_trace_is_drawn_with_axis_bars_errors_and_reasons() {
    let drawn = checkout().waterfall(&WaterfallStyle::default().with_width(60));
    assert_eq!(
        drawn,
        "\
POST /checkout web answered in 20.0ms finished after 40.0ms
  4 spans 2 services
where the time went: application 100% of 20.0ms, and 10.0ms
  after it
trace 07070707070707070707070707070707
                                    0                 40.0ms
✕ POST /checkout [web] 502   20.0ms ████████████
  Verify                     10.0ms ██████
  ✕ Charge                   10.0ms       ██████
    payment gateway unavailable
    deliver [worker]         10.0ms                   ██████
"
    );
}

#[test]
fn no_line_is_wider_than_asked() {
    let evil = "漢字\u{1b}[31m".repeat(100);
    let hostile = trace([
        span(1, 0, &evil, 0, 20).failed(&evil),
        span(2, 1, "SELECT", 0, 1).with("db.query.text", &evil),
    ]);
    for width in [0, 40, 61, 80, 200] {
        for trace in [checkout(), hostile.clone(), n_plus_one(50)] {
            let drawn = trace.waterfall(&WaterfallStyle::default().with_width(width));
            assert!(!drawn.contains('\u{1b}'), "{drawn}");
            for line in drawn.lines() {
                assert!(line.width() <= width.max(MIN_WIDTH), "{width}: {line}");
            }
        }
    }
}

#[test]
fn equal_siblings_are_one_line_and_long_traces_end() {
    let drawn = n_plus_one(4999).waterfall(&WaterfallStyle::default());
    assert!(drawn.contains("4,999× SELECT users N+1?"), "{drawn}");
    assert!(drawn.lines().count() < 15, "{drawn}");
    let style = WaterfallStyle {
        max_rows: 2,
        ..WaterfallStyle::default()
    };
    let drawn = checkout().waterfall(&style);
    assert!(drawn.contains("… and 2 rows more"), "{drawn}");
}

#[test]
fn colours_are_used_only_if_asked_for() {
    let drawn = checkout().waterfall(&WaterfallStyle::default().with_colours(true));
    assert!(drawn.contains("\u{1b}[31m"), "{drawn}");
    let opened = drawn.matches("\u{1b}[").count();
    assert_eq!(drawn.matches("\u{1b}[0m").count() * 2, opened, "{drawn}");
}

#[test]
fn work_long_after_the_answer_leaves_the_axis_to_the_answer() {
    let drawn = trace([
        span(1, 0, "POST /", 0, 10),
        span(2, 1, "step", 0, 10),
        span(3, 2, "deliver", 500, 510),
    ])
    .waterfall(&WaterfallStyle::default().with_width(60));
    let bars: Vec<&str> = drawn.lines().filter_map(|line| line.get(36..)).collect();
    assert!(
        bars.iter()
            .any(|bar| bar.trim() == "████████████████████████"),
        "{drawn}"
    );
    assert!(drawn.contains("+500ms →"), "{drawn}");
    assert!(drawn.contains("  10.0ms\n"), "{drawn}");
}
