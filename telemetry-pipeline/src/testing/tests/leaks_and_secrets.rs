//! Leaks, secrets and the number of series.

use super::*;

#[test]
fn leaks_are_named() {
    let telemetry = TestTelemetry::new();
    let meter = telemetry.providers().meter(scope());
    let active = meter
        .i64_up_down_counter("http.server.active_requests")
        .build();
    active.add(1, &[]);
    active.add(-1, &[]);
    for stock in ["process.memory.usage", "db.client.connection.idle.max"] {
        meter.i64_up_down_counter(stock).build().add(5, &[]);
    }
    let pool = meter
        .i64_up_down_counter("db.client.connection.count")
        .build();
    let state = |state| [KeyValue::new("db.client.connection.state", state)];
    pool.add(5, &state("idle"));
    pool.add(0, &state("used"));
    telemetry.assert_no_leaks();

    pool.add(1, &state("used"));
    let said = failure(|| telemetry.assert_no_leaks());
    assert!(
        said.contains("db.client.connection.count db.client.connection.state=\"used\": 1"),
        "{said}"
    );
    pool.add(-1, &state("used"));
    active.add(1, &[]);
    let said = failure(|| telemetry.assert_no_leaks());
    assert!(
        said.contains("  http.server.active_requests: 1\n"),
        "{said}"
    );
    telemetry.assert_no_leaks_except(&["http.server.active_requests"]);
    active.add(-1, &[]);

    let cx = start(&telemetry, &Context::new(), "GET /forgotten");
    let said = failure(|| telemetry.assert_no_leaks());
    assert!(said.contains("GET /forgotten"), "{said}");
    cx.span().end();
    telemetry.assert_no_leaks();
}

#[tokio::test]
async fn what_ends_a_moment_later_is_waited_for() {
    let telemetry = TestTelemetry::new();
    let cx = start(&telemetry, &Context::new(), "GET /");
    let meter = telemetry.providers().meter(scope());
    let active = meter.i64_up_down_counter("shop.active").build();
    active.add(1, &[]);
    tokio::spawn(async move {
        cx.span().end();
        tokio::time::sleep(Duration::from_millis(5)).await;
        active.add(-1, &[]);
    });
    telemetry.settled().await;
    telemetry.instrument("shop.active").assert_value(0.0);
}

#[test]
fn a_secret_is_found_in_every_place_of_every_signal() {
    let secret = "hunter2\"\n";
    type Emit<'a> = &'a dyn Fn(&TestTelemetry);
    let places: [(&str, Emit<'_>); 10] = [
        ("span \"GET /hunter2", &|telemetry| {
            let tracer = telemetry.providers().tracer(scope());
            let name = format!("GET /{secret}");
            let cx = tracer.start(&Context::new(), name, SpanKind::Server, Vec::new);
            cx.span().end();
        }),
        ("span \"GET /\", url.query", &|telemetry| {
            let cx = start(telemetry, &Context::new(), "GET /");
            cx.span()
                .set_attribute(KeyValue::new("url.query", format!("a={secret}")));
            cx.span().end();
        }),
        ("span \"GET /\", list", &|telemetry| {
            let cx = start(telemetry, &Context::new(), "GET /");
            let list = vec![opentelemetry::StringValue::from(secret)];
            cx.span().set_attribute(KeyValue::new(
                "list",
                opentelemetry::Value::Array(list.into()),
            ));
            cx.span().end();
        }),
        ("event \"exception\", why", &|telemetry| {
            let cx = start(telemetry, &Context::new(), "GET /");
            cx.span()
                .add_event("exception", vec![KeyValue::new("why", secret)]);
            cx.span().end();
        }),
        ("the status", &|telemetry| {
            let cx = start(telemetry, &Context::new(), "GET /");
            cx.span().set_status(Status::error(format!("no {secret}")));
            cx.span().end();
        }),
        ("metric logins, user", &|telemetry| {
            let meter = telemetry.providers().meter(scope());
            meter
                .u64_counter("logins")
                .build()
                .add(1, &[KeyValue::new("user", secret)]);
        }),
        ("/metrics: # HELP logins", &|telemetry| {
            let meter = telemetry.providers().meter(scope());
            let counter = meter.u64_counter("logins").with_description(secret);
            counter.build().add(1, &[]);
        }),
        ("the message", &|telemetry| {
            let _default = telemetry.set_default();
            tracing::info!("it is {secret}");
        }),
        ("password", &|telemetry| {
            let _default = telemetry.set_default();
            tracing::info!(password = secret, "login");
        }),
        ("password", &|telemetry| {
            let _default = telemetry.set_default();
            tracing::info!(password = ?Some("hunter2"), "login");
        }),
    ];
    for (place, emit) in places {
        let telemetry = TestTelemetry::new();
        telemetry.assert_absent("hunter2");
        emit(&telemetry);
        let secret = if place == "password" || place.contains("HELP") {
            "hunter2"
        } else {
            secret
        };
        let said = failure(|| telemetry.assert_absent(secret));
        assert!(said.contains(place), "{place}: {said}");
    }
}

#[test]
fn cardinality_is_bounded_by_instrument() {
    let telemetry = TestTelemetry::new();
    let meter = telemetry.providers().meter(scope());
    let counter = meter.u64_counter("shop.views").build();
    for path in ["/1", "/2", "/3"] {
        counter.add(1, &[KeyValue::new("url.path", path)]);
    }
    meter.u64_counter("shop.sales").build().add(1, &[]);
    telemetry.assert_cardinality(3);
    let said = failure(|| telemetry.assert_cardinality(2));
    assert!(said.starts_with("shop.views has 3 series"), "{said}");
    assert!(
        said.contains("url.path=\"/2\": 1") && !said.contains("sales"),
        "{said}"
    );
    telemetry.assert_no_metric_attribute("user.id");
    let said = failure(|| telemetry.assert_no_metric_attribute("url.path"));
    assert!(
        said.contains("shop.views url.path=\"/1\": 1") && !said.contains("sales"),
        "{said}"
    );
}
