use super::*;
use crate::analysis::fixture::{SpanExt, span, trace};

#[test]
fn what_is_longer_new_and_gone_is_told_in_the_order_of_the_tree() {
    let a = trace([
        span(1, 0, "GET /", 0, 20),
        span(2, 1, "cache", 0, 5),
        span(3, 1, "load", 5, 20),
    ]);
    let b = trace([
        span(1, 0, "GET /", 0, 90),
        span(2, 1, "load", 0, 30),
        span(3, 1, "load", 30, 80),
        span(4, 3, "retry", 40, 80).failed("late"),
    ]);
    let pairs = compare(&a, &b);
    let names: Vec<_> = pairs
        .iter()
        .map(|it| (it.depth, it.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [(0, "GET /"), (1, "cache"), (1, "load"), (2, "retry")]
    );
    assert!(pairs[1].is_gone());
    assert!(pairs[3].is_new());
    assert_eq!(pairs[3].b.errors, 1);
    assert_eq!(pairs[2].b.count, 2);
    assert_eq!(pairs[2].b.total_nanos, 80_000_000);
    assert_eq!(pairs[2].b.own_nanos, 40_000_000);
    let slower: Vec<_> = slower(&pairs).iter().map(|it| it.name.as_str()).collect();
    assert_eq!(slower, ["retry", "load", "GET /"]);
}

#[test]
fn a_trace_does_not_differ_from_itself() {
    let a = trace([span(1, 0, "GET /", 0, 20), span(2, 1, "load", 5, 20)]);
    let pairs = compare(&a, &a);
    assert!(slower(&pairs).is_empty());
    assert!(pairs.iter().all(|pair| pair.a == pair.b));
}
