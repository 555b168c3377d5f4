#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use super::*;
use crate::cases::Case;

/// A trace with a span for each line, each below the one it is indented under.
fn trace_of(outline: &str) -> Trace {
    let mut above: Vec<String> = Vec::new();
    let spans = outline.lines().enumerate().map(|(number, line)| {
        let label = line.trim_start();
        above.truncate((line.len() - label.len()) / 2);
        let parent = above.last().cloned();
        above.push(number.to_string());
        let error = label.ends_with(" ERROR");
        let words: Vec<&str> = label.trim_end_matches(" ERROR").rsplitn(3, ' ').collect();
        serde_json::from_value(serde_json::json!({
            "service": words[1].trim_matches(['[', ']']),
            "span_id": number.to_string(),
            "parent_span_id": parent,
            "name": words[2],
            "kind": words[0],
            "status": { "code": if error { "ERROR" } else { "UNSET" } },
            "attributes": {},
        }))
        .unwrap()
    });
    Trace {
        trace_id: "7".to_owned(),
        spans: spans.collect(),
    }
}

fn visit(case: Case) -> Visit {
    Visit {
        case,
        correlation_id: "id".to_owned(),
        refusal: String::new(),
    }
}

fn missing(result: std::result::Result<Trace, Unmet>) -> String {
    match result {
        Ok(_) => String::new(),
        Err(Unmet::Yet(reason)) => reason,
        Err(Unmet::Ever(failure)) => format!("for good: {failure}"),
    }
}

#[test]
fn the_trace_of_each_case_is_complete_with_its_spans_and_may_have_more() {
    for case in [
        Case::Bought,
        Case::CardDeclined,
        Case::SoldOut,
        Case::GatewayDown,
        Case::UnknownPage,
    ] {
        let more = format!("{}\n  COMMIT [retail-api] CLIENT", case.spans());
        for outline in [case.spans(), &more] {
            assert_eq!(missing(trace(vec![trace_of(outline)], &visit(case))), "");
        }
    }
}

#[test]
fn a_span_that_is_missing_misplaced_or_has_another_status_is_named() {
    let spans = Case::CardDeclined.spans();
    for (from, to) in [
        ("SELECT inventory", "SELECT other"),
        ("          SELECT", "  SELECT"),
        (
            "SELECT inventory [retail-api] CLIENT",
            "SELECT inventory [retail-api] CLIENT ERROR",
        ),
    ] {
        let reason = missing(trace(
            vec![trace_of(&spans.replace(from, to))],
            &visit(Case::CardDeclined),
        ));
        let end = "GET /inventory/check [retail-api] SERVER > SELECT inventory [retail-api] CLIENT";
        assert!(reason.ends_with(end), "{reason}");
    }
}

#[test]
fn a_trace_in_pieces_is_none() {
    let spans = Case::SoldOut.spans();
    let pieces = format!("{spans}\nGET /inventory/check [retail-api] SERVER");
    let reason = missing(trace(vec![trace_of(&pieces)], &visit(Case::SoldOut)));
    assert!(reason.contains("2 pieces"), "{reason}");
    let two = vec![trace_of(spans), trace_of(spans)];
    assert!(missing(trace(two, &visit(Case::SoldOut))).contains("2 traces"));
    assert!(missing(trace(Vec::new(), &visit(Case::SoldOut))).contains("no trace"));
}

#[test]
fn metrics_must_count_every_span_once() {
    let traces = [trace_of(Case::UnknownPage.spans())];
    let points = |count: u64| -> Vec<Point> {
        serde_json::from_value(serde_json::json!([
            { "service": "retail-web", "name": "http.server.request.duration", "value": { "count": count } },
            { "service": "retail-web", "name": "http.server.active_requests", "value": { "value": 9 } },
        ]))
        .unwrap()
    };
    assert!(metrics(&points(1), &traces).is_ok());
    for wrong in [0, 2] {
        assert!(metrics(&points(wrong), &traces).is_err(), "{wrong}");
    }
}

#[test]
fn logs_of_all_services_are_needed() {
    let all = [
        "retail-web",
        "retail-api",
        "retail-api",
        "retail-api",
        "retail-worker",
        "retail-worker",
    ];
    assert!(logs(&all).is_ok());
    for left_out in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(left_out);
        assert!(logs(&some).is_err(), "{some:?}");
    }
}

#[test]
fn the_culprit_is_the_innermost_error_or_else_the_innermost_refusal() {
    let title = |trace: &Trace| culprit(trace).map(Span::title).unwrap_or_default();
    assert_eq!(
        title(&trace_of(Case::GatewayDown.spans())),
        "POST /payment/charge [retail-api] SERVER"
    );
    assert_eq!(
        title(&trace_of(Case::CardDeclined.spans())),
        "POST [retail-web] CLIENT"
    );
    let mut sold_out = trace_of(Case::SoldOut.spans());
    assert_eq!(title(&sold_out), "");
    for span in &mut sold_out.spans[1..3] {
        span.attributes
            .insert("retail.reason".to_owned(), "out_of_stock".into());
    }
    assert_eq!(
        title(&sold_out),
        "Verify_Inventory_Status [retail-web] INTERNAL"
    );
}

#[test]
fn what_the_business_counts_is_told_without_who_measured_it() {
    let scope = r#"otel_scope_name="telemetry-core",otel_scope_version="0.1.0""#;
    let ok =
        format!(r#"retail_checkouts_total{{{scope},retail_outcome="ok",retail_reason="none"}} 9"#);
    assert_eq!(
        without_scope(&ok),
        r#"retail_checkouts_total             9  retail_outcome="ok" retail_reason="none""#
    );
    let sum = format!("retail_checkout_value_sum{{{scope}}} 47976");
    assert_eq!(without_scope(&sum), "retail_checkout_value_sum      47976");
}

#[test]
fn the_reason_is_the_error_that_the_culprit_has_logged() {
    let trace = trace_of(Case::GatewayDown.spans());
    let span_id = culprit(&trace).unwrap().span_id.clone();
    let records = |level: &str, span_id: &str| -> Vec<LogRecord> {
        serde_json::from_value(serde_json::json!([
            { "service": "retail-web", "severity": "ERROR", "body": "checkout failed", "span_id": "other" },
            { "service": "retail-api", "severity": level, "body": "gateway down", "span_id": span_id },
        ]))
        .unwrap()
    };
    let found = failure_log(records("ERROR", &span_id), &trace).unwrap();
    assert_eq!(found.body, "gateway down");
    for (level, span_id) in [("INFO", span_id.as_str()), ("ERROR", "another")] {
        let missing = failure_log(records(level, span_id), &trace);
        assert!(matches!(missing, Err(Unmet::Yet(_))), "{level} {span_id}");
    }
}
