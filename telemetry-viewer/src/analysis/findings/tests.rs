use super::*;
use crate::analysis::fixture::{SpanExt, id, n_plus_one, span, trace};
use crate::model::Trace;

fn found(trace: &Trace) -> Vec<(FindingKind, SpanId)> {
    findings(&Timeline::of(trace))
        .into_iter()
        .map(|it| (it.kind, it.span))
        .collect()
}

fn statement(number: u64, parent: u64, from: u64, to: u64) -> Span {
    span(number, parent, "SELECT", from, to)
        .kind(SpanKind::Client)
        .with("db.query.text", "SELECT 1")
}

#[test]
fn an_ordinary_trace_has_no_findings() {
    let ordinary = trace([
        span(1, 0, "GET /", 0, 10).kind(SpanKind::Server),
        statement(2, 1, 1, 9),
    ]);
    assert_eq!(found(&ordinary), []);
    // Its caller sends no spans: the root of what is here.
    let below = trace([span(1, 99, "GET /", 0, 10).kind(SpanKind::Server)]);
    assert_eq!(found(&below), []);
}

#[test]
fn a_repeated_statement_is_found_with_its_cost() {
    let found = findings(&Timeline::of(&n_plus_one(40)));
    assert_eq!(found[0].kind, FindingKind::Repeated);
    assert!(found[0].text.contains("40 times"), "{}", found[0].text);
    assert!(found[0].text.contains("40.0ms in all"), "{}", found[0].text);
}

#[test]
fn an_error_below_a_span_that_ended_well_is_swallowed() {
    let swallowed = trace([
        span(1, 0, "GET /", 0, 10),
        span(2, 1, "cache", 0, 10).failed("down"),
    ]);
    assert_eq!(found(&swallowed), [(FindingKind::Swallowed, id(2))]);
    let told = trace([
        span(1, 0, "GET /", 0, 10).failed("down"),
        span(2, 1, "cache", 0, 10).failed("down"),
    ]);
    assert_eq!(found(&told), []);
}

#[test]
fn a_wait_for_a_connection_longer_than_the_statements_is_found() {
    let waits = |until: u64| {
        trace([
            span(1, 0, "GET /", 0, 20),
            span(2, 1, "pool.acquire", 0, until),
            statement(3, 1, until, 20),
        ])
    };
    assert_eq!(found(&waits(15)), [(FindingKind::PoolWait, id(2))]);
    assert_eq!(found(&waits(5)), []);
}

#[test]
fn time_that_no_span_tells_is_a_gap() {
    let gap = trace([span(1, 0, "GET /", 0, 100), span(2, 1, "step", 0, 50)]);
    assert_eq!(found(&gap), [(FindingKind::Gap, id(1))]);
    let text = &findings(&Timeline::of(&gap))[0].text;
    assert!(text.contains("50.0ms that no span tells"), "{text}");
}

#[test]
fn spans_without_their_parents_are_orphans() {
    let orphans = trace([
        span(1, 0, "GET /", 0, 10),
        span(2, 77, "lost", 0, 10),
        span(3, 78, "lost", 0, 10),
    ]);
    assert_eq!(found(&orphans), [(FindingKind::Orphans, id(2))]);
}

#[test]
fn a_clock_that_was_corrected_is_named_once() {
    let skewed = trace([
        span(1, 0, "GET", 100, 120).kind(SpanKind::Client),
        span(2, 1, "GET /", 5, 15).kind(SpanKind::Server).of("api"),
        span(3, 2, "step", 5, 15).of("api"),
    ]);
    let found = findings(&Timeline::of(&skewed));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, FindingKind::Clock);
    assert!(found[0].text.contains("100ms behind"), "{}", found[0].text);
}
