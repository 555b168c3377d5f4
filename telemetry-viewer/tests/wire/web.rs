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
    assert!(!page.contains("<script"), "{page}");
    assert!(
        page.contains(">POST /checkout</a>") && page.contains(">ERROR<"),
        "{page}"
    );
    assert!(page.contains("<td>/checkout<td class=\"n\">20"), "{page}");

    let found = get(&viewer, "/?q=order-7").await;
    assert_eq!(found.status(), 303);
    assert_eq!(found.headers()["location"], format!("/traces/{TRACE}"));
    let page = get(&viewer, &format!("/traces/{TRACE}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("└─ charge &lt;card&gt; [shop] SERVER"),
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
    assert!(!page.contains("<script"), "{page}");
}
