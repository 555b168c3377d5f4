//! One checkout is one trace, with metrics and logs that lead to it, over real OTLP.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::{Router, routing::get};
use reqwest::Response;
use serde_json::{Value, json};
use telemetry_core::{entry_span, pipeline::Protocol, step};
use telemetry_tests::{Running, Shop, layer};
use telemetry_viewer::{
    LogFilter, MetricValue, Trace, TraceFilter, TreeStyle, Viewer, ViewerOptions,
};

const CORRELATION: &str = "x-correlation-id";

async fn checkout(shop: &Shop, sku: &str, card: &str, id: &str) -> Response {
    let body = json!({ "sku": sku, "quantity": 2, "card": card });
    let url = format!("http://{}/checkout/execute", shop.web.address);
    let request = reqwest::Client::new()
        .post(url)
        .header("user-agent", "test/1")
        .header(CORRELATION, id);
    request.json(&body).send().await.unwrap()
}

/// The only trace of a correlation id.
fn trace(shop: &Shop, id: &str) -> Trace {
    shop.flush().unwrap();
    let mut traces = shop.viewer.store().traces(&TraceFilter::correlation_id(id));
    assert_eq!(traces.len(), 1, "{id}");
    traces.remove(0)
}

/// The tree as text. Whether a connection was idle is a matter of luck, so the spans that tell are left out.
fn tree(trace: &Trace, attributes: &[&str]) -> String {
    let spans: Vec<_> = trace
        .spans
        .iter()
        .filter(|span| span.name != "pool.acquire")
        .cloned()
        .collect();
    Trace::new(trace.trace_id, spans)
        .render(&TreeStyle::plain().with_attributes(attributes.iter().copied()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_one_trace_from_the_request_to_the_statements() {
    let shop = Shop::open().await.unwrap();
    let response = checkout(&shop, "SKU-1", "tok_visa", "abc-123").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CORRELATION], "abc-123");
    let receipt: Value = response.json().await.unwrap();
    assert_eq!(receipt["amount_cents"], 2 * 1999);

    let trace = trace(&shop, "abc-123");
    let shown = [
        "http.response.status_code",
        "retail.flow",
        "retail.stage",
        "correlation_id",
        "db.namespace",
    ];
    assert_eq!(
        tree(&trace, &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=200 retail.flow=checkout correlation_id=abc-123
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.flow=checkout
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.flow=checkout retail.stage=inventory
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200 correlation_id=abc-123
   │        └─ SELECT inventory [retail-api] CLIENT db.namespace=retail.db
   ├─ Execute_Payment_Charge [retail-web] INTERNAL retail.flow=checkout retail.stage=payment
   │  └─ POST [retail-web] CLIENT http.response.status_code=200
   │     └─ POST /payment/charge [retail-api] SERVER http.response.status_code=200 correlation_id=abc-123
   │        └─ INSERT payments [retail-api] CLIENT db.namespace=retail.db
   └─ Create_Order_Record [retail-web] INTERNAL retail.flow=checkout retail.stage=order
      └─ POST [retail-web] CLIENT http.response.status_code=201
         └─ POST /orders [retail-api] SERVER http.response.status_code=201 correlation_id=abc-123
            ├─ BEGIN [retail-api] CLIENT db.namespace=retail.db
            ├─ UPDATE inventory [retail-api] CLIENT db.namespace=retail.db
            ├─ UPDATE payments [retail-api] CLIENT db.namespace=retail.db
            ├─ INSERT orders [retail-api] CLIENT db.namespace=retail.db
            ├─ send order-confirmations [retail-api] PRODUCER
            │  └─ INSERT outbox [retail-api] CLIENT db.namespace=retail.db
            └─ COMMIT [retail-api] CLIENT db.namespace=retail.db
"
    );
    // Said from inside a step, of the request.
    assert!(trace.root().unwrap().attribute("retail.order.id").is_some());
    let charge = trace.span_named("Execute_Payment_Charge").unwrap();
    let card = charge.attribute("retail.card").unwrap().to_string();
    assert!(card.len() == 32 && !card.contains("visa"), "{card}");
    assert_attributes(&shop, &trace);
}

/// Each kind of span has at least what the Flask example of the same shop has, with the convention's types.
fn assert_attributes(shop: &Shop, trace: &Trace) {
    let port = |running: &Running| format!("server.port={}", running.address.port());
    let (web_port, api_port) = (port(&shop.web), port(&shop.api));
    let client = |method: &'static str, status: &'static str| {
        vec![
            format!("http.request.method={method}"),
            format!("http.response.status_code={status}"),
            "network.peer.address=127.0.0.1".into(),
            api_port.replace("server.port", "network.peer.port"),
            "network.protocol.version=1.1".into(),
            "server.address=127.0.0.1".into(),
            api_port.clone(),
            "url.full=http://127.0.0.1:".into(),
            "user_agent.original=retail-web/".into(),
        ]
    };
    let server = |method: &str, route: &str, status: &str, port: &str| {
        vec![
            "client.address=127.0.0.1".to_owned(),
            "client.port=".into(),
            format!("http.request.method={method}"),
            format!("http.response.status_code={status}"),
            format!("http.route={route}"),
            "network.protocol.version=1.1".into(),
            "network.peer.address=127.0.0.1".into(),
            "server.address=127.0.0.1".into(),
            port.to_owned(),
            format!("url.path={route}"),
            "url.scheme=http".into(),
            "user_agent.original=".into(),
        ]
    };
    let sql = |summary: &str, text: &str| {
        vec![
            "db.system.name=sqlite".to_owned(),
            "db.namespace=".into(),
            format!("db.query.summary={summary}"),
            format!("db.query.text={text}"),
        ]
    };
    let expected = [
        (
            "POST /checkout/execute",
            server("POST", "/checkout/execute", "200", &web_port),
        ),
        ("GET", client("GET", "200")),
        ("GET /inventory/check", {
            let mut attributes = server("GET", "/inventory/check", "200", &api_port);
            attributes.push("url.query=sku=SKU-1&qty=2".into());
            attributes
        }),
        (
            "POST /payment/charge",
            server("POST", "/payment/charge", "200", &api_port),
        ),
        ("POST /orders", server("POST", "/orders", "201", &api_port)),
        (
            "SELECT inventory",
            sql(
                "SELECT inventory",
                "SELECT quantity, unit_price_cents FROM inventory WHERE sku = ?",
            ),
        ),
        (
            "INSERT payments",
            sql(
                "INSERT payments",
                "INSERT INTO payments (amount_cents, card) VALUES (?, ?)",
            ),
        ),
        (
            "INSERT orders",
            sql(
                "INSERT orders",
                "INSERT INTO orders (sku, quantity, payment_id) VALUES (?, ?, ?)",
            ),
        ),
    ];
    for (name, attributes) in expected {
        let span = trace.span_named(name).unwrap();
        let have: Vec<_> = span
            .attributes
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for attribute in attributes {
            assert!(
                have.iter().any(|have| have.starts_with(&attribute)),
                "{name} lacks {attribute}: {have:#?}"
            );
        }
        let keys: std::collections::HashSet<_> =
            span.attributes.iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys.len(),
            span.attributes.len(),
            "{name} has an attribute twice: {have:#?}"
        );
    }
    for key in ["http.response.status_code", "server.port", "client.port"] {
        let span = trace.span_named("POST /orders").unwrap();
        let value = span.attribute(key).unwrap();
        assert!(
            matches!(value, telemetry_viewer::Value::Int(_)),
            "{key} is {value:?}"
        );
    }
    let resource = &trace.root().unwrap().resource;
    for key in [
        "service.name",
        "service.namespace",
        "service.version",
        "service.instance.id",
        "deployment.environment.name",
        "telemetry.sdk.name",
        "telemetry.sdk.language",
        "telemetry.sdk.version",
    ] {
        assert!(
            resource.iter().any(|(have, _)| have == key),
            "{key} in {resource:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_and_failed_checkouts_show_where_and_why() {
    let shop = Shop::open().await.unwrap();
    let cases = [
        ("SKU-SOLD-OUT", "tok_visa", "sold-out", 409),
        ("SKU-1", "tok_declined", "declined", 402),
        ("SKU-1", "tok_gateway_down", "gateway-down", 502),
        ("SKU-NONE", "tok_visa", "unknown", 404),
    ];
    for (sku, card, id, status) in cases {
        let response = checkout(&shop, sku, card, id).await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()[CORRELATION].to_str().unwrap()
            ),
            (status, id)
        );
    }
    let shown = [
        "http.response.status_code",
        "retail.outcome",
        "retail.reason",
    ];
    assert_eq!(
        tree(&trace(&shop, "sold-out"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=409
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=rejected retail.reason=out_of_stock
   └─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=rejected retail.reason=out_of_stock
      └─ GET [retail-web] CLIENT http.response.status_code=200
         └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
            └─ SELECT inventory [retail-api] CLIENT
"
    );
    assert_eq!(
        tree(&trace(&shop, "declined"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=402
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=rejected retail.reason=card_declined
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=ok
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
   │        └─ SELECT inventory [retail-api] CLIENT
   └─ Execute_Payment_Charge [retail-web] INTERNAL retail.outcome=rejected retail.reason=card_declined
      └─ POST [retail-web] CLIENT http.response.status_code=402 ERROR 402
         └─ POST /payment/charge [retail-api] SERVER http.response.status_code=402
"
    );
    assert_eq!(
        tree(&trace(&shop, "gateway-down"), &shown),
        "\
POST /checkout/execute [retail-web] SERVER http.response.status_code=502 ERROR 502
└─ Process_Checkout_Flow [retail-web] INTERNAL retail.outcome=error ERROR upstream \"retail-api answered 500 Internal Server Error\"
   ├─ Verify_Inventory_Status [retail-web] INTERNAL retail.outcome=ok
   │  └─ GET [retail-web] CLIENT http.response.status_code=200
   │     └─ GET /inventory/check [retail-api] SERVER http.response.status_code=200
   │        └─ SELECT inventory [retail-api] CLIENT
   └─ Execute_Payment_Charge [retail-web] INTERNAL retail.outcome=error ERROR upstream \"retail-api answered 500 Internal Server Error\"
      └─ POST [retail-web] CLIENT http.response.status_code=500 ERROR 500
         └─ POST /payment/charge [retail-api] SERVER http.response.status_code=500 ERROR 500
"
    );
    assert!(tree(&trace(&shop, "unknown"), &[]).contains("GET [retail-web] CLIENT ERROR 404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_get_an_answer_and_no_blame() {
    let shop = Shop::open().await.unwrap();
    let client = reqwest::Client::new();
    let base = format!("http://{}", shop.web.address);
    let unknown = client
        .get(format!("{base}/no/such/route"))
        .send()
        .await
        .unwrap();
    let url = format!("{base}/checkout/execute");
    let invalid = client
        .post(&url)
        .header("content-type", "application/json")
        .body("{not json")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (unknown.status().as_u16(), invalid.status().as_u16()),
        (404, 400)
    );
    for (response, expected) in [
        (
            unknown,
            "GET [retail-web] SERVER http.response.status_code=404\n",
        ),
        (
            invalid,
            "POST /checkout/execute [retail-web] SERVER http.route=/checkout/execute http.response.status_code=400\n",
        ),
    ] {
        let id = response.headers()[CORRELATION].to_str().unwrap().to_owned();
        assert_eq!(
            tree(
                &trace(&shop, &id),
                &["http.route", "http.response.status_code"]
            ),
            expected
        );
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn without_the_client_middleware_the_trace_splits_in_two() {
    // A middleware that does nothing, where the telemetry's would be.
    struct Nothing;
    #[async_trait::async_trait]
    impl reqwest_middleware::Middleware for Nothing {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut axum::http::Extensions,
            next: reqwest_middleware::Next<'_>,
        ) -> reqwest_middleware::Result<Response> {
            next.run(request, extensions).await
        }
    }
    let client = |_: &_, api: &str| Ok(retail_web::RetailApi::with_middleware(api, Nothing)?);
    let shop = Shop::open_with(client).await.unwrap();
    checkout(&shop, "SKU-SOLD-OUT", "tok_visa", "alone").await;
    let web = trace(&shop, "alone");
    assert_eq!(web.services(), ["retail-web"]);
    let api = shop
        .viewer
        .store()
        .traces(&TraceFilter::service("retail-api"));
    assert_eq!(api.len(), 1);
    assert_ne!(api[0].trace_id, web.trace_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_never_charges_for_an_order_that_is_not_created() {
    let shop = Shop::open().await.unwrap();
    // SKU-2 has 25 pieces: of 20 buyers of 2 pieces each, 12 can be served, whoever is first.
    let buyers = (0..20).map(|_| checkout(&shop, "SKU-2", "tok_visa", "race"));
    let answers = futures_util::future::join_all(buyers).await;
    let served = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status() == 409)
        .count();
    assert_eq!((served, refused), (12, 8));

    let database = shop.database().await.unwrap();
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&database).await.unwrap()
    };
    assert_eq!(
        count("SELECT quantity FROM inventory WHERE sku = 'SKU-2'").await,
        1
    );
    assert_eq!(count("SELECT count(*) FROM orders").await, 12);
    assert_eq!(
        count("SELECT count(*) FROM payments WHERE status = 'captured'").await,
        12
    );
    assert_eq!(
        count("SELECT count(*) FROM payments WHERE status = 'authorized'").await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_tracing_span_is_a_child_of_the_server_span_and_a_step_its_child() {
    #[tracing::instrument]
    async fn price(sku: &str) -> u32 {
        tracing::info!("pricing");
        step("Look_Up_Price")
            .run(async {
                entry_span().set_attribute("tenant", "blue");
                Ok::<_, std::io::Error>(1999)
            })
            .await
            .unwrap()
    }
    let viewer = Viewer::start(ViewerOptions::ephemeral()).await.unwrap();
    let service = Running::start(
        "prices",
        Protocol::HttpProtobuf,
        &viewer.http_endpoint(),
        async |telemetry| {
            Ok(Router::new()
                .route("/price", get(|| async { price("SKU-1").await.to_string() }))
                .layer(layer(telemetry)))
        },
    )
    .unwrap();
    let response = reqwest::get(format!("http://{}/price", service.address))
        .await
        .unwrap();
    let id = response.headers()[CORRELATION].to_str().unwrap().to_owned();
    service.telemetry.force_flush().unwrap();

    let trace = viewer
        .store()
        .traces(&TraceFilter::correlation_id(&id))
        .remove(0);
    assert_eq!(
        tree(&trace, &["sku", "tenant"]),
        "\
GET /price [prices] SERVER tenant=blue
└─ price [prices] INTERNAL sku=SKU-1
   └─ Look_Up_Price [prices] INTERNAL
"
    );
    let log = viewer
        .store()
        .logs(&LogFilter::correlation_id(&id))
        .remove(0);
    assert_eq!(
        log.span_id,
        trace.span_named("price").map(|span| span.span_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_amounts_and_quantities_are_refused() {
    let shop = Shop::open().await.unwrap();
    let post = async |path: &str, body: Value| {
        let url = format!("http://{}{path}", shop.api.address);
        let request = reqwest::Client::new().post(url).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    let charge = post(
        "/payment/charge",
        json!({ "amount_cents": -500, "card": "tok_visa" }),
    )
    .await;
    let order = post(
        "/orders",
        json!({ "sku": "SKU-1", "quantity": -5, "payment_id": 1 }),
    )
    .await;
    assert_eq!((charge, order), (422, 422));
}
