//! Metrics and logs that lead to the trace.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_both_services_are_found_by_the_correlation_id_alone() {
    let shop = Shop::open().await.unwrap();
    checkout(&shop, "SKU-1", "tok_visa", "find-me").await;
    checkout(&shop, "SKU-1", "tok_visa", "not-me").await;
    let trace = trace(&shop, "find-me");

    let logs = shop
        .viewer
        .store()
        .logs(&LogFilter::correlation_id("find-me"));
    let mut said: Vec<_> = logs
        .iter()
        .map(|log| format!("{}: {}", log.service, log.body.clone().unwrap()))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "retail-api: inventory checked",
            "retail-api: order created and payment captured",
            "retail-api: payment authorized",
            "retail-web: checkout completed",
        ]
    );
    assert!(
        logs.iter().all(|log| log.trace_id == Some(trace.trace_id)),
        "{logs:?}"
    );
    let completed = logs.iter().find(|log| log.service == "retail-web").unwrap();
    assert_eq!(completed.span_id, trace.root().map(|root| root.span_id));

    // The same ids stand on the lines for people and shippers.
    for service in [&shop.web, &shop.api] {
        let lines: Vec<Value> = service
            .logged()
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mine: Vec<_> = lines
            .iter()
            .filter(|line| line["correlation_id"] == "find-me")
            .collect();
        assert!(!mine.is_empty(), "{lines:?}");
        assert!(
            mine.iter()
                .all(|line| line["trace_id"] == trace.trace_id.to_string()),
            "{mine:?}"
        );
        assert!(
            mine.iter()
                .all(|line| line["span_id"].as_str().is_some_and(|id| id.len() == 16)),
            "{mine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_every_request_once_by_push_and_by_pull() {
    let shop = Shop::open().await.unwrap();
    for card in ["tok_visa", "tok_visa", "tok_declined", "tok_gateway_down"] {
        checkout(&shop, "SKU-1", card, "counted").await;
    }
    shop.flush().unwrap();
    let rows: Vec<_> = shop
        .viewer
        .store()
        .red()
        .into_iter()
        .map(|row| (row.service, row.method, row.route, row.requests, row.errors))
        .collect();
    let row = |service: &str, method: &str, route: &str, requests, errors| {
        (
            service.to_owned(),
            method.to_owned(),
            route.to_owned(),
            requests,
            errors,
        )
    };
    assert_eq!(
        rows,
        [
            row("retail-api", "GET", "/inventory/check", 4, 0),
            row("retail-api", "POST", "/orders", 2, 0),
            row("retail-api", "POST", "/payment/charge", 4, 1),
            row("retail-web", "POST", "/checkout/execute", 4, 1),
        ]
    );

    let points = shop.viewer.store().metrics();
    let names: std::collections::BTreeSet<_> = points
        .iter()
        .map(|point| (point.service.as_str(), point.name.as_str()))
        .collect();
    for expected in [
        ("retail-web", "http.server.request.duration"),
        ("retail-web", "http.server.active_requests"),
        ("retail-web", "http.client.request.duration"),
        ("retail-web", "retail.steps"),
        ("retail-web", "retail.step.duration"),
        ("retail-web", "retail.checkouts"),
        ("retail-web", "retail.checkout.value"),
        ("retail-api", "retail.stock"),
        ("retail-api", "http.server.request.duration"),
        ("retail-api", "db.client.operation.duration"),
    ] {
        assert!(names.contains(&expected), "{expected:?} in {names:?}");
    }
    for point in points
        .iter()
        .filter(|point| point.name == "http.server.active_requests")
    {
        assert!(
            matches!(&point.value, MetricValue::Sum { value, .. } if value.as_f64() == 0.0),
            "{point:?}"
        );
    }

    let text = metrics(&shop.web, "*/*").await;
    for line in [
        r#"http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",http_route="/checkout/execute","#,
        r#"retail_steps_total{otel_scope_name="telemetry-core","#,
    ] {
        assert!(
            text.lines().any(|have| have.starts_with(line)),
            "{line} in {text}"
        );
    }
    let api = metrics(&shop.api, "*/*").await;
    for (text, name, label, value) in [
        (
            &text,
            "retail_checkouts_total",
            r#"retail_outcome="ok""#,
            "2",
        ),
        (
            &text,
            "retail_checkouts_total",
            r#"retail_reason="card_declined""#,
            "1",
        ),
        (
            &text,
            "retail_checkouts_total",
            r#"retail_reason="upstream""#,
            "1",
        ),
        (&text, "retail_checkout_value_sum", "", "7996"),
        // Two checkouts of two.
        (&api, "retail_stock", r#"retail_sku="SKU-1""#, "999996"),
    ] {
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && line.contains(label));
        assert!(
            line.is_some_and(|line| line.ends_with(&format!(" {value}"))),
            "{name} {label} in {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exemplars_lead_from_the_metric_to_the_trace_by_push_and_by_pull() {
    let shop = Shop::open().await.unwrap();
    checkout(&shop, "SKU-1", "tok_visa", "example").await;
    let trace = trace(&shop, "example");
    let id = trace.trace_id.to_string();
    let exemplar = format!("# {{trace_id=\"{id}\"");
    for (service, name) in [
        (&shop.web, "http_server_request_duration_seconds_bucket"),
        (&shop.web, "http_client_request_duration_seconds_bucket"),
        (&shop.web, "retail_step_duration_seconds_bucket"),
        (&shop.web, "retail_checkout_value_bucket"),
        (&shop.api, "db_client_operation_duration_seconds_bucket"),
    ] {
        let text = metrics(service, "application/openmetrics-text").await;
        assert!(
            text.lines()
                .any(|line| line.starts_with(name) && line.contains(&exemplar)),
            "{name} in {text}"
        );
    }
    let points = shop.viewer.store().metrics();
    let duration = |point: &&telemetry_viewer::MetricPoint| {
        point.service == "retail-web" && point.name == "http.server.request.duration"
    };
    let exemplars: Vec<_> = points
        .iter()
        .filter(duration)
        .flat_map(|point| &point.exemplars)
        .collect();
    assert!(
        exemplars
            .iter()
            .any(|exemplar| exemplar.trace_id == Some(trace.trace_id)),
        "{exemplars:?}"
    );
}

async fn metrics(service: &Running, accept: &str) -> String {
    let request = reqwest::Client::new().get(format!("http://{}/metrics", service.address));
    request
        .header("accept", accept)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}
