use std::collections::BTreeMap;

use super::critical_path::critical_path;
use super::fixture::{SpanExt, id, n_plus_one, span, trace};
use super::outline::{Row, outline};
use super::service_map::{self, Node, ServiceMap};
use super::timeline::Timeline;
use crate::model::{SpanKind, Trace};

/// The rows as text: depth, how many spans, name, rows below.
fn rows(trace: &Trace, unfolded: Option<u64>, fold: bool) -> Vec<String> {
    let timeline = Timeline::of(trace);
    let rows: Vec<Row> = outline(&timeline.forest, unfolded.map(id), fold);
    let text = |row: &Row| {
        let name = &timeline.forest.span(row.first).name;
        format!("{} {}x {name} +{}", row.depth, row.count(), row.below)
    };
    rows.iter().map(text).collect()
}

#[test]
fn equal_siblings_are_one_row_with_what_stands_below_them() {
    let trace = n_plus_one(4999);
    assert_eq!(
        rows(&trace, None, true),
        ["0 1x GET /report +1", "1 4999x SELECT users +0"]
    );
    assert_eq!(rows(&trace, None, false).len(), 5000);
    assert_eq!(rows(&trace, Some(7), true).len(), 5000);
    let timeline = Timeline::of(&trace);
    let rows = outline(&timeline.forest, None, true);
    assert!(rows[1].is_n_plus_one(&timeline.forest));
    assert_eq!(rows[1].total_nanos(&timeline), 4_999_000_000);
}

#[test]
fn calls_that_branch_alike_are_equal_and_a_failed_one_is_not() {
    let call = |number: u64| {
        let from = 10 * number;
        [
            span(10 * number, 1, "GET", from, from + 8).kind(SpanKind::Client),
            span(
                10 * number + 1,
                10 * number,
                "GET /item",
                from + 1,
                from + 7,
            )
            .kind(SpanKind::Server),
        ]
    };
    let mut spans: Vec<_> = (1..=6).flat_map(call).collect();
    spans[11] = spans[11].clone().failed("gone");
    spans.push(span(1, 0, "root", 0, 100));
    assert_eq!(
        rows(&trace(spans), None, true),
        [
            "0 1x root +3",
            "1 5x GET +0",
            "1 1x GET +1",
            "2 1x GET /item +0"
        ]
    );
}

#[test]
fn a_cycle_an_orphan_and_a_deep_chain_have_their_rows() {
    let cycle = trace([
        span(1, 2, "a", 0, 1),
        span(2, 1, "b", 0, 1),
        span(3, 9, "c", 0, 1),
    ]);
    assert_eq!(rows(&cycle, None, true).len(), 3);
    let deep = trace((1..=20_000).map(|n| span(n, n - 1, "deep", 0, 1)));
    let rows = rows(&deep, None, true);
    assert_eq!(rows.len(), 20_000);
    assert_eq!(rows[0], "0 1x deep +19999");
}

#[test]
fn the_critical_path_is_what_the_caller_waited_for() {
    let trace = trace([
        span(1, 0, "root", 0, 100),
        span(2, 1, "first", 10, 40),
        span(3, 1, "beside", 15, 35),
        span(4, 1, "second", 50, 90),
        span(5, 1, "goes on", 60, 500),
    ]);
    let timeline = Timeline::of(&trace);
    let path = critical_path(&timeline);
    let waited = |number: u64| -> u64 {
        let at = trace.spans.iter().position(|it| it.span_id == id(number));
        let nanos: u64 = path[at.unwrap()].iter().map(|it| it.nanos()).sum();
        nanos / 1_000_000
    };
    assert_eq!([1, 2, 3, 4, 5].map(waited), [30, 30, 0, 40, 0]);
}

#[test]
fn arrows_lead_from_callers_to_services_databases_queues_and_hosts() {
    let trace = trace([
        span(1, 0, "POST /checkout", 0, 100).kind(SpanKind::Server),
        span(2, 1, "POST", 10, 40).kind(SpanKind::Client),
        span(3, 2, "POST /pay", 15, 35)
            .kind(SpanKind::Server)
            .of("api")
            .failed("no"),
        span(4, 3, "INSERT", 20, 30)
            .kind(SpanKind::Client)
            .of("api")
            .with("db.system.name", "postgresql")
            .with("db.namespace", "shop"),
        span(5, 1, "GET", 50, 60)
            .kind(SpanKind::Client)
            .with("server.address", "maps.test"),
        span(6, 1, "send", 60, 61)
            .kind(SpanKind::Producer)
            .with("messaging.destination.name", "orders"),
        span(7, 6, "process", 80, 90)
            .kind(SpanKind::Consumer)
            .of("worker")
            .with("messaging.destination.name", "orders"),
    ]);
    let mut map: ServiceMap = BTreeMap::new();
    service_map::add(&mut map, &trace);
    service_map::finish(&mut map);
    let service = |name: &str| Node::Service(name.into());
    let arrows: Vec<_> = map.keys().cloned().collect();
    let mut expected = vec![
        (Node::Callers, service("web")),
        (service("web"), service("api")),
        (service("api"), Node::Database("postgresql shop".into())),
        (service("web"), Node::Host("maps.test".into())),
        (service("web"), Node::Queue("orders".into())),
        (Node::Queue("orders".into()), service("worker")),
    ];
    expected.sort();
    assert_eq!(arrows, expected);
    let call = &map[&(service("web"), service("api"))];
    assert_eq!((call.calls, call.p95()), (1, 30_000_000));
}
