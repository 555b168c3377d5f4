use serde_json::Value as Json;

use super::*;

async fn filled() -> Viewer {
    let viewer = viewer().await;
    viewer.store().add_traces(checkout());
    viewer.store().add_logs(logs());
    viewer.store().add_metrics(metrics());
    viewer
}

async fn json(viewer: &Viewer, path: &str) -> Json {
    let response = get(viewer, path).await;
    assert_eq!(response.status(), 200, "{path}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_api_lists_traces_and_filters_them() {
    let viewer = filled().await;
    let traces = json(&viewer, "/api/traces?correlation_id=order-7&errors=true").await;
    assert_eq!(traces.as_array().unwrap().len(), 1);
    assert_eq!(traces[0]["trace_id"], TRACE.to_string());
    assert_eq!(traces[0]["name"], "POST /checkout");
    assert_eq!(traces[0]["service"], "shop");
    assert_eq!(traces[0]["error"], true);
    for none in [
        "service=other",
        "correlation_id=order-8",
        "limit=0",
        "name=x",
    ] {
        let traces = json(&viewer, &format!("/api/traces?{none}")).await;
        assert_eq!(traces, Json::Array(Vec::new()), "{none}");
    }
    assert_eq!(get(&viewer, "/api/traces?limit=many").await.status(), 400);
}

#[tokio::test]
async fn the_api_gives_a_trace_its_logs_metrics_and_red() {
    let viewer = filled().await;
    let trace = json(&viewer, &format!("/api/traces/{TRACE}")).await;
    assert_eq!(trace["spans"][0]["attributes"]["correlation_id"], "order-7");
    assert_eq!(trace["spans"][1]["status"]["code"], "ERROR");
    assert_eq!(trace["spans"][1]["parent_span_id"], "0101010101010101");
    for query in ["trace_id", "correlation_id"] {
        let logs = json(&viewer, &format!("/api/logs?{query}={TRACE}")).await;
        assert_eq!(logs[0]["body"], "card <declined>");
    }
    assert_eq!(get(&viewer, "/api/logs?trace_id=x").await.status(), 400);
    assert_eq!(
        json(&viewer, "/api/metrics").await[0]["value"]["type"],
        "histogram"
    );
    assert_eq!(json(&viewer, "/api/red").await[0]["requests"], 20);
    assert_eq!(json(&viewer, "/api/evicted").await["traces"], 0);
}

#[tokio::test]
async fn a_trace_and_the_red_table_come_as_plain_text() {
    let viewer = filled().await;
    let response = get(&viewer, &format!("/traces/{TRACE}.txt")).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(
        response.text().await.unwrap(),
        "POST /checkout [shop] SERVER 5.00ms correlation_id=order-7\n\
         └─ charge <card> [shop] SERVER 5.00ms ERROR declined\n"
    );
    let tree = get(&viewer, &format!("/traces/{TRACE}.txt?self_times=true")).await;
    assert_eq!(
        tree.text().await.unwrap(),
        "POST /checkout [shop] SERVER 5.00ms (self 1ns) correlation_id=order-7\n\
         └─ charge <card> [shop] SERVER 5.00ms (self 5.00ms) ERROR declined\n"
    );
    let time = get(&viewer, &format!("/traces/{TRACE}/time.txt")).await;
    assert_eq!(
        time.text().await.unwrap(),
        "where the time went: application 100% of 5.00ms\n \
         self time  spans  instrumentation scope\n    5.00ms      2  (none)\n"
    );
    assert_eq!(get(&viewer, "/traces/7/time.txt").await.status(), 404);
    let red = get(&viewer, "/red.txt").await.text().await.unwrap();
    assert!(
        red.contains("shop     POST    /checkout        20"),
        "{red}"
    );
}

#[tokio::test]
async fn plain_text_takes_the_attributes_and_the_width_to_show() {
    let viewer = filled().await;
    let text = async |path: &str| get(&viewer, path).await.text().await.unwrap();
    let tree = text(&format!("/traces/{TRACE}.txt?attributes=a,b&colours=true")).await;
    assert!(!tree.contains("correlation_id"), "{tree}");
    assert!(tree.contains("\u{1b}[1;31mERROR"), "{tree}");
    let tree = text(&format!("/traces/{TRACE}.txt?width=40")).await;
    assert!(
        tree.starts_with("POST /checkout [shop] SERVER 5.00ms\n│    correlation_id=order-7\n"),
        "{tree}"
    );
    let path = format!("/traces/{TRACE}.txt?width=wide");
    assert_eq!(get(&viewer, &path).await.status(), 400);

    let logs = text(&format!("/logs.txt?correlation_id={TRACE}&service=shop")).await;
    assert_eq!(
        logs,
        format!("2023-11-14T22:13:20.000Z ERROR [shop] card <declined> trace_id={TRACE}\n")
    );
    let logs = text("/logs.txt?width=60").await;
    assert!(
        logs.ends_with(&format!("\n{:25}trace_id={TRACE}\n", "")),
        "{logs}"
    );
    assert_eq!(text("/logs.txt?correlation_id=other").await, "");
}

#[tokio::test]
async fn an_unknown_id_is_not_found_and_says_why() {
    let viewer = viewer().await;
    for path in ["/traces/", "/api/traces/"] {
        for (id, reason) in [
            ("00000000000000000000000000000001", "evicted"),
            ("order-7", "correlation_id="),
        ] {
            let response = get(&viewer, &format!("{path}{id}")).await;
            assert_eq!(response.status(), 404);
            assert!(
                response.text().await.unwrap().contains(reason),
                "{path}{id}"
            );
        }
    }
    let response = get(&viewer, "/traces/00000000000000000000000000000001.txt").await;
    assert_eq!(response.status(), 404);
    assert_eq!(get(&viewer, "/nowhere").await.status(), 404);
}

#[tokio::test]
async fn the_page_lists_finds_and_shows_traces_with_everything_escaped() {
    let viewer = filled().await;
    let mut hostile = span(9, 0, "<script>alert(1)</script>");
    hostile.trace_id = vec![0xcd; 16];
    viewer.store().add_traces(traces(vec![hostile]));

    let response = get(&viewer, "/").await;
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert!(response.headers().contains_key("content-security-policy"));
    let page = response.text().await.unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    assert!(page.contains(">POST /checkout</a>"), "{page}");
    assert!(page.contains("declined"), "{page}");

    let found = get(&viewer, "/?q=order-7").await;
    assert_eq!(found.status(), 303);
    assert_eq!(found.headers()["location"], format!("/traces/{TRACE}"));
    let page = get(&viewer, &format!("/traces/{TRACE}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("<b>charge &lt;card&gt;</b>"), "{page}");
    assert!(
        page.contains("<title>POST /checkout · 5.00ms · shop"),
        "{page}"
    );
    assert!(page.contains("card &lt;declined&gt;"), "{page}");

    let missed = get(&viewer, "/?q=%22%3E%3Cscript%3E").await;
    assert_eq!(missed.status(), 200);
    let page = missed.text().await.unwrap();
    assert!(
        page.contains("value=\"&quot;&gt;&lt;script&gt;\""),
        "{page}"
    );
    assert!(!page.contains("<script>"), "{page}");
}

async fn page(viewer: &Viewer, path: &str) -> String {
    let response = get(viewer, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn the_duration_of_a_trace_is_what_the_caller_waited_for() {
    let viewer = filled().await;
    let mut later = span(3, 1, "deliver");
    later.start_time_unix_nano += 100_000_000;
    later.end_time_unix_nano += 200_000_000;
    viewer.store().add_traces(traces(vec![later]));
    let list = json(&viewer, "/api/traces").await;
    assert_eq!(list[0]["duration_nanos"], 4_999_999);
    assert_eq!(list[0]["total_nanos"], 204_999_999);
    let list = page(&viewer, "/").await;
    assert!(list.contains("5.00ms<small"), "{list}");
    assert!(list.contains("finished after 205ms"), "{list}");
}

#[tokio::test]
async fn logs_without_a_trace_are_not_nothing() {
    let viewer = viewer().await;
    let waiting = page(&viewer, "/").await;
    assert!(waiting.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{waiting}");
    assert!(waiting.contains(&viewer.grpc_endpoint()), "{waiting}");
    assert!(!waiting.contains("Received so far"), "{waiting}");
    let mut request = logs();
    let record = &mut request.resource_logs[0].scope_logs[0].log_records[0];
    record.trace_id.clear();
    viewer.store().add_logs(request);
    let waiting = page(&viewer, "/").await;
    assert!(waiting.contains("1 log record<"), "{waiting}");
    assert!(
        page(&viewer, "/logs")
            .await
            .contains("card &lt;declined&gt;")
    );
}

#[tokio::test]
async fn every_page_has_its_own_title_and_an_icon() {
    let viewer = filled().await;
    let mut titles = Vec::new();
    let trace = format!("/traces/{TRACE}");
    for path in [
        "/", "/?q=card", "/logs", "/routes", "/metrics", "/map", &trace,
    ] {
        let page = page(&viewer, path).await;
        assert!(page.contains("rel=\"icon\""), "{path}");
        let title = page.split("<title>").nth(1).unwrap();
        titles.push(title.split("</title>").next().unwrap().to_owned());
    }
    let all = titles.len();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), all, "{titles:?}");
    assert_eq!(get(&viewer, "/favicon.ico").await.status(), 200);
}

#[tokio::test]
async fn a_page_for_a_trace_that_is_not_there_waits_and_fills_itself() {
    let viewer = viewer().await;
    let path = format!("/traces/{TRACE}");
    let response = get(&viewer, &path).await;
    assert_eq!(response.status(), 404);
    let waiting = response.text().await.unwrap();
    assert!(waiting.contains("http-equiv=\"refresh\""), "{waiting}");
    viewer.store().add_traces(checkout());
    assert!(
        !page(&viewer, &path)
            .await
            .contains("http-equiv=\"refresh\"")
    );
}

#[tokio::test]
async fn events_links_and_stack_traces_are_on_the_page() {
    use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

    let viewer = viewer().await;
    let mut span = span(1, 0, "POST /checkout");
    span.events = vec![Event {
        name: "exception".into(),
        time_unix_nano: span.start_time_unix_nano + 5,
        attributes: vec![text("exception.stacktrace", "at main.rs:1\n  at lib.rs:2")],
        ..Event::default()
    }];
    span.links = vec![Link {
        trace_id: vec![0x77; 16],
        span_id: vec![0x66; 8],
        ..Link::default()
    }];
    viewer.store().add_traces(traces(vec![span]));
    let page = page(&viewer, &format!("/traces/{TRACE}")).await;
    assert!(
        page.contains("at main.rs:1\n  at lib.rs:2\n</pre>"),
        "{page}"
    );
    let link = format!("/traces/{}?span={}#s", "77".repeat(16), "66".repeat(8));
    assert!(page.contains(&link), "{page}");
}

#[tokio::test]
async fn a_trace_is_copied_as_curl_test_markdown_and_json() {
    let viewer = filled().await;
    let copy = |format: &str| format!("/traces/{TRACE}/copy/{format}");
    assert_eq!(
        page(&viewer, &copy("test")).await,
        "telemetry.assert_tree(\n    &[],\n    r#\"\n    SERVER POST /checkout\n      \
         SERVER charge <card> ERROR declined\n    \"#,\n);\n"
    );
    assert!(
        page(&viewer, &copy("curl"))
            .await
            .contains("no HTTP request")
    );
    assert!(
        page(&viewer, &copy("markdown"))
            .await
            .contains("### `POST /checkout`")
    );
    assert!(
        page(&viewer, &copy("json"))
            .await
            .contains("\"charge <card>\"")
    );
    assert_eq!(get(&viewer, &copy("pdf")).await.status(), 404);
}

#[tokio::test]
async fn clearing_is_for_the_own_page_only() {
    let viewer = filled().await;
    let clear = async |site: &str| {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
            .post(format!("{}/clear", viewer.http_endpoint()))
            .header("sec-fetch-site", site)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(clear("cross-site").await, 403);
    assert!(viewer.store().trace(TRACE).is_some());
    assert_eq!(clear("same-origin").await, 303);
    assert!(viewer.store().trace(TRACE).is_none());
    assert!(viewer.store().metrics().is_empty());
}

#[tokio::test]
async fn no_page_of_hostile_telemetry_has_markup_or_layout_marks_of_it() {
    let viewer = viewer().await;
    let evil = "\"><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m";
    let mut request = traces(vec![span(1, 0, evil)]);
    let spans = &mut request.resource_spans[0];
    spans.resource.as_mut().unwrap().attributes =
        vec![text("service.name", evil), text(evil, evil)];
    let span = &mut spans.scope_spans[0].spans[0];
    span.attributes = [
        "http.request.method",
        "http.route",
        "db.query.text",
        "error.type",
        "correlation_id",
        "http.response.status_code",
        "url.path",
    ]
    .map(|key| text(key, evil))
    .to_vec();
    span.attributes.push(text(evil, evil));
    span.status = Some(Status {
        code: 2,
        message: evil.into(),
    });
    viewer.store().add_traces(request);
    let mut request = logs();
    let record = &mut request.resource_logs[0].scope_logs[0].log_records[0];
    record.severity_text = evil.into();
    record.event_name = evil.into();
    record.body = text("", evil).value;
    record.attributes = vec![text(evil, evil)];
    viewer.store().add_logs(request);
    let mut request = metrics();
    let metric = &mut request.resource_metrics[0].scope_metrics[0].metrics[0];
    metric.name = evil.into();
    metric.unit = evil.into();
    metric.description = evil.into();
    viewer.store().add_metrics(request);
    let trace = format!("/traces/{TRACE}");
    let compare = format!("/compare?a={TRACE}&b={TRACE}");
    let metric = "/metrics?name=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%E2%80%AE%1B%5B31m";
    for path in [
        "/",
        "/?q=alert",
        "/logs",
        "/routes",
        "/metrics",
        metric,
        "/map",
        &trace,
        &compare,
    ] {
        let page = page(&viewer, path).await;
        assert!(!page.contains("<img"), "{path}: {page}");
        assert!(!page.contains(['\u{202e}', '\u{1b}']), "{path}: {page}");
    }
}
