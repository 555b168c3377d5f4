use super::*;

#[test]
fn lines_have_the_fields_of_spans_on_request_and_the_innermost_counts() {
    let log = || {
        let outer = tracing::info_span!(
            "request",
            user = 1,
            tenant = "acme",
            later = tracing::field::Empty
        );
        let _outer = outer.enter();
        let _inner =
            tracing::info_span!("cart", user = 2, items = ?["a"], level = "mine").entered();
        outer.record("later", "one");
        outer.record("later", "two");
        tracing::info!(sku = 3, "plain");
        tracing::info!(user = 4, "own");
        tracing::info!(parent: &outer, "outer");
        tracing::info!(parent: None, "none");
    };
    for filter in ["info", "warn,[request]=info", "trace"] {
        let logging = Logging {
            filter,
            span_fields: true,
            ..JSON
        };
        let lines = objects(logging, log);
        let [plain, own, outer, none] = lines.as_slice() else {
            panic!("{filter}: {lines:?}");
        };
        assert_eq!(
            (&plain["user"], &plain["sku"], &plain["tenant"]),
            (&2.into(), &3.into(), &"acme".into())
        );
        assert_eq!(
            (&plain["items"], &plain["later"]),
            (&"[\"a\"]".into(), &"two".into())
        );
        assert_eq!(plain["field.level"], "mine");
        assert_eq!((&own["user"], &own["tenant"]), (&4.into(), &"acme".into()));
        assert_eq!((&outer["user"], outer.get("items")), (&1.into(), None));
        assert_eq!(none.get("user"), None);
    }
    assert_eq!(objects(JSON, log)[0].get("tenant"), None, "off by default");
    let readable = Logging {
        format: LogFormat::Readable,
        span_fields: true,
        ..JSON
    };
    let lines = logged(readable, log);
    assert!(
        lines[0].contains(r#"plain sku=3 user=2 items="[\"a\"]" level=mine tenant=acme later=two"#),
        "{}",
        lines[0]
    );
}

#[test]
fn a_warning_has_the_fields_of_spans_that_are_below_the_log_filter() {
    let logging = Logging {
        filter: "warn",
        span_fields: true,
        ..JSON
    };
    let lines = objects(logging, || {
        let _span = tracing::info_span!("request", user = 1).entered();
        tracing::info!("not this");
        tracing::warn!("this");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["message"], &lines[0]["user"]),
        (&"this".into(), &1.into())
    );
}

#[test]
fn fields_of_spans_have_a_bound() {
    let long = "x".repeat(100_000);
    let logging = Logging {
        span_fields: true,
        ..JSON
    };
    let lines = logged(logging, || {
        let mut spans = Vec::new();
        for _ in 0..100 {
            spans.push(tracing::info_span!("a", a = long, b = long, c = long).entered());
            spans.push(tracing::info_span!("d", d = long, e = long, f = long).entered());
        }
        tracing::info!("deep");
        while spans.pop().is_some() {}
    });
    let line = object(&lines[0]);
    assert!(lines[0].len() < 6 * 1024 + 512, "{}", lines[0].len());
    assert!(line["f"].as_str().unwrap().len() <= 1024 + 3 && line["a"].is_string());
}
