//! From where the viewer answers.

use prost::Message;
use reqwest::{Method, StatusCode};

use super::*;

async fn ask(viewer: &Viewer, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", viewer.http_endpoint());
    let mut request = reqwest::Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_strange_host_name_reads_neither_page_nor_api() {
    let viewer = viewer().await;
    for path in ["/", "/api/traces", "/logs.txt", "/livez"] {
        let response = ask(&viewer, Method::GET, path, &[("host", "evil.example")]).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        let body = response.text().await.unwrap();
        assert!(body.contains("--allow-host"), "{body}");
    }
    for host in ["localhost:4318", "127.0.0.1", "[::1]:80"] {
        let response = ask(&viewer, Method::GET, "/livez", &[("host", host)]).await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn an_allowed_name_reads() {
    let options = ViewerOptions {
        allow_hosts: vec!["viewer.test".to_owned()],
        ..ViewerOptions::ephemeral()
    };
    let viewer = Viewer::start(options).await.unwrap();
    let host = [("host", "viewer.test:4318")];
    let response = ask(&viewer, Method::GET, "/api/traces", &host).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn telemetry_arrives_under_any_name() {
    let viewer = viewer().await;
    let response = reqwest::Client::new()
        .post(format!("{}/v1/traces", viewer.http_endpoint()))
        .header("host", "host.docker.internal:4318")
        .header("content-type", "application/x-protobuf")
        .body(checkout().encode_to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(viewer.store().trace(TRACE).is_some());
}

#[tokio::test]
async fn a_page_of_this_machine_may_send_and_one_of_another_site_may_not() {
    let viewer = viewer().await;
    let preflight = async |origin: &str, path: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        let response = ask(&viewer, Method::OPTIONS, path, &headers).await;
        let allowed = response.headers().get("access-control-allow-origin");
        allowed.map(|it| it.to_str().unwrap().to_owned())
    };
    let own = "http://localhost:3000";
    assert_eq!(preflight(own, "/v1/traces").await.as_deref(), Some(own));
    assert_eq!(preflight("http://evil.example", "/v1/traces").await, None);
    assert_eq!(preflight(own, "/api/traces").await, None);

    let headers = [
        ("origin", "http://evil.example"),
        ("content-type", "application/json"),
    ];
    let response = ask(&viewer, Method::POST, "/v1/traces", &headers).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}
