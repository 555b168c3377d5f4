use std::borrow::Cow;

use telemetry_pipeline::testing::TestTelemetry;
use telemetry_semconv::{http::Authority, names::forever};

use super::*;
use crate::metrics::instrumentation_scope::scope;

fn metrics(max_groups: usize) -> RequestMetrics {
    let telemetry = TestTelemetry::new();
    let providers = telemetry.providers();
    RequestMetrics::with_limit(providers, &providers.meter(scope()), max_groups)
}

fn labels<'a>(method: &'static str, route: Option<&'a str>) -> StartLabels<&'a str> {
    StartLabels {
        method,
        route,
        known_server: None,
    }
}

#[test]
fn the_names_of_a_group_are_kept_once() {
    let metrics = metrics(100);
    let first = metrics.group(&labels("GET", Some("/orders/{id}")));
    assert!(Arc::ptr_eq(
        &first,
        &metrics.group(&labels("GET", Some("/orders/{id}")))
    ));
    assert!(matches!(first.span_name, Cow::Borrowed("GET /orders/{id}")));
    assert!(matches!(
        first.labels.route,
        Some(Cow::Borrowed("/orders/{id}"))
    ));
    let put = metrics.group(&labels("PUT", Some("/orders/{id}")));
    assert_eq!(put.span_name, "PUT /orders/{id}");
    let unmatched = metrics.group(&labels("GET", None));
    assert_eq!(
        (&*unmatched.span_name, &unmatched.labels.route),
        ("GET", &None)
    );
}

#[test]
fn each_known_server_has_groups_of_its_own() {
    let metrics = metrics(1000);
    // The number is high enough for collisions in the hash table.
    let servers = || (0..500).map(|i| Authority::parse(forever(&format!("e{i}.example"))));
    let group = |known_server| {
        metrics.group(&StartLabels {
            known_server,
            ..labels("GET", Some("/"))
        })
    };
    servers().for_each(|server| drop(group(server)));
    for server in servers() {
        assert_eq!(group(server).labels.known_server, server);
    }
}

#[test]
fn of_hosts_and_agents_the_first_is_kept_and_others_are_copied() {
    let metrics = metrics(100);
    let group = metrics.group(&labels("GET", Some("/first")));
    for (text, host, port) in [
        ("shop.example:81", "shop.example", Some(81)),
        ("other.example", "other.example", None),
        ("shop.example:81", "shop.example", Some(81)),
    ] {
        assert_eq!(group.server(text), Some((host.into(), port)));
        assert_eq!(group.user_agent(text).as_str(), text);
    }
    assert_eq!(group.server("a b"), None);
    let long = "a".repeat(1000);
    assert_eq!(group.user_agent(&long).as_str(), long);
}

#[test]
fn groups_past_the_limit_are_named_but_not_kept() {
    let metrics = metrics(5);
    let is_kept = |i: usize| {
        let route = format!("/groups/{i}");
        let group = metrics.group(&labels("GET", Some(&route)));
        assert_eq!(group.span_name, format!("GET {route}"));
        Arc::ptr_eq(&group, &metrics.group(&labels("GET", Some(&route))))
    };
    assert_eq!((0..10).filter(|i| is_kept(*i)).count(), 5);
}
