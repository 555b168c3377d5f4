use std::sync::Arc;

use super::*;
use crate::model::{Attributes, Span, SpanStatus, TraceId, Value};

const TRACE: TraceId = TraceId([7; 16]);

fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// Times are in nanoseconds since a moment that all clocks agree on, unless a test says otherwise.
fn span(number: u64, parent: u64, kind: SpanKind, from: u64, to: u64) -> Span {
    Span {
        service: "web".into(),
        trace_id: TRACE,
        span_id: id(number),
        parent_span_id: (parent != 0).then(|| id(parent)),
        name: format!("span {number}"),
        kind,
        scope: "steps".into(),
        start_unix_nanos: 1_000_000 + from,
        end_unix_nanos: 1_000_000 + to,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        status: SpanStatus::Unset,
        flags: 1,
        trace_state: String::new(),
        resource: Arc::default(),
    }
}

fn of_api(mut span: Span) -> Span {
    let resource: Attributes = vec![("service.name".into(), Value::from("api"))];
    span.resource = Arc::new(resource);
    span
}

fn statement(number: u64, parent: u64, from: u64, to: u64) -> Span {
    let mut span = span(number, parent, SpanKind::Client, from, to);
    span.attributes = vec![("db.system.name".into(), Value::from("sqlite"))];
    span.scope = "sql".into();
    span
}

fn spent(spans: Vec<Span>) -> TimeSpent {
    Trace::new(TRACE, spans).time_spent()
}

fn own(spent: &TimeSpent, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let own = numbers.into_iter().map(|number| spent.by_span[&id(number)]);
    own.collect()
}

fn parts(spent: &TimeSpent) -> Vec<(&str, u64)> {
    let parts = spent.by_activity.iter();
    parts
        .map(|(activity, nanos)| (activity.as_str(), *nanos))
        .collect()
}

use SpanKind::{Client, Consumer, Internal, Producer, Server};

#[test]
fn a_call_is_divided_into_application_network_and_database() {
    let spent = spent(vec![
        span(1, 0, Server, 0, 100),
        span(2, 1, Client, 10, 90),
        of_api(span(3, 2, Server, 20, 80)),
        of_api(statement(4, 3, 30, 70)),
    ]);
    assert_eq!(own(&spent, 1..=4), [20, 20, 20, 40]);
    assert_eq!(
        parts(&spent),
        [("application", 40), ("database", 40), ("network", 20)]
    );
    assert_eq!(
        spent.summary(),
        "application 40%, database 40%, network 20% of 100ns"
    );
    assert_eq!(
        spent.by_scope,
        [("steps".into(), 60, 3), ("sql".into(), 40, 1)]
    );
}

#[test]
fn children_that_overlap_count_once_for_their_parent_and_share_the_time_they_share() {
    let spent = spent(vec![
        span(1, 0, Server, 0, 100),
        statement(2, 1, 10, 60),
        span(3, 1, Internal, 40, 80),
        span(4, 1, Internal, 45, 50),
    ]);
    assert_eq!(own(&spent, 1..=4), [30, 50, 40, 5]);
    let total: u64 = spent.by_activity.values().sum();
    assert_eq!(total, 100);
    // 30 alone; 5 + 10 with one other, 5 with two others.
    assert_eq!(
        spent.by_activity[&Activity::Database],
        30 + 5 / 2 + 5 / 3 + 5 + 1
    );
}

#[test]
fn of_a_child_that_outlives_its_parent_only_what_is_inside_counts() {
    let streaming = spent(vec![
        span(1, 0, Server, 0, 100),
        span(2, 1, Internal, 80, 150),
        statement(3, 2, 120, 200),
    ]);
    assert_eq!(own(&streaming, 1..=3), [80, 40, 80]);
    assert_eq!(parts(&streaming), [("application", 100)]);
    assert_eq!(streaming.outside_nanos, 20 + 80);
    assert_eq!(
        streaming.summary(),
        "application 100% of 100ns, and 100ns after it"
    );
}

#[test]
fn a_server_whose_clock_is_wrong_is_moved_into_its_call_with_all_below_it() {
    for skew in [0, 100_000, 500_000] {
        let mut spans = vec![
            of_api(span(3, 2, Server, 30, 70)),
            of_api(statement(4, 3, 40, 60)),
        ];
        for span in &mut spans {
            span.start_unix_nanos -= skew;
            span.end_unix_nanos -= skew;
        }
        spans.push(span(1, 0, Server, 0, 100));
        spans.push(span(2, 1, Client, 10, 90));
        let spent = spent(spans);
        assert_eq!(own(&spent, 1..=4), [20, 40, 20, 20], "{skew}");
        assert_eq!(
            parts(&spent),
            [("application", 40), ("database", 20), ("network", 40)]
        );
        assert_eq!(spent.outside_nanos, 0);
    }
}

#[test]
fn a_streamed_answer_begins_no_sooner_than_it_was_asked_for() {
    let spent = spent(vec![
        span(1, 0, Client, 50, 100),
        of_api(span(2, 1, Server, 0, 200)),
    ]);
    assert_eq!(own(&spent, 1..=2), [0, 200]);
    assert_eq!((spent.total_nanos, spent.outside_nanos), (50, 150));
}

#[test]
fn a_job_that_follows_is_not_moved_into_the_request() {
    let spent = spent(vec![
        span(1, 0, Server, 0, 100),
        span(2, 1, Producer, 40, 60),
        of_api(span(3, 2, Consumer, 500, 700)),
    ]);
    assert_eq!(own(&spent, 1..=3), [80, 20, 200]);
    assert_eq!(parts(&spent), [("application", 80), ("messaging", 20)]);
    assert_eq!(spent.outside_nanos, 200);
}

#[test]
fn a_call_that_nobody_answered_with_a_span_is_not_called_network() {
    let spent = spent(vec![span(1, 0, Server, 0, 100), span(2, 1, Client, 0, 60)]);
    assert_eq!(
        parts(&spent),
        [("application", 40), ("services without spans", 60)]
    );
}

#[test]
fn cycles_orphans_and_clocks_that_run_backwards_end() {
    let spent = spent(vec![
        span(1, 2, Internal, 0, 100),
        span(2, 1, Internal, 0, 50),
        span(3, 3, Internal, 0, 10),
        span(4, 9, Internal, 5, 1),
        span(5, 4, Internal, 0, u64::MAX - 2_000_000),
    ]);
    assert_eq!(spent.by_span.len(), 5);
    assert_eq!(spent.by_span[&id(4)], 0);
    let ages = |number| span(number, 1, Internal, 10, u64::MAX - 1_000_000);
    let spent = self::spent(vec![span(1, 0, Internal, 0, 10), ages(2), ages(3)]);
    assert_eq!(spent.outside_nanos, u64::MAX);
    assert_eq!(
        Trace::new(TRACE, Vec::<Span>::new()).time_spent().summary(),
        " of 0ns"
    );
}

#[test]
fn a_chain_of_fifty_thousand_spans_is_measured() {
    let chain = (1..=50_000).map(|n| span(n, n - 1, Internal, n, 200_000 - n));
    let spent = spent(chain.collect());
    assert_eq!(spent.by_span[&id(1)], 2);
    assert_eq!(spent.by_activity[&Activity::Application], spent.total_nanos);
}

#[test]
fn hostile_scopes_cannot_forge_lines() {
    let mut hostile = span(1, 0, Server, 0, 100);
    hostile.scope = "a\n  1ms 1 forged\u{1b}[2J".into();
    assert_eq!(spent(vec![hostile]).render().lines().count(), 3);
}
