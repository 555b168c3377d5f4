use std::{
    convert::Infallible,
    future::pending,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Bytes, routing::get as on_get};
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use http_body::Frame;
use http_body_util::StreamBody;

use super::*;

const SHOWN: [&str; 3] = [
    "http.response.status_code",
    "error.type",
    "telemetry.outcome",
];

#[tokio::test]
async fn a_streamed_response_ends_with_its_last_frame() {
    let telemetry = TestTelemetry::new();
    let chunks = || async {
        Body::from_stream(
            stream::iter(["a", "b"]).map(|chunk| Ok::<_, Infallible>(Bytes::from(chunk))),
        )
    };
    let app = layered(Router::new().route("/", on_get(chunks)), &telemetry);
    let response = app.oneshot(get("/")).await.unwrap();
    assert_eq!(
        (telemetry.tree(&[]), active(&telemetry)),
        (String::new(), Some(1.0))
    );
    response.into_body().collect().await.unwrap();
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=200\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_body_that_fails_half_way_is_an_error() {
    let telemetry = TestTelemetry::new();
    let failing = || async {
        Body::from_stream(stream::iter([
            Ok(Bytes::from("a")),
            Err(io::Error::other("disk")),
        ]))
    };
    let app = layered(Router::new().route("/", on_get(failing)), &telemetry);
    let body = app.oneshot(get("/")).await.unwrap().into_body();
    assert!(body.collect().await.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=200 error.type=\"body_error\" telemetry.outcome=\"body_error\" ERROR\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_stream_that_was_read_to_its_promised_length_or_its_trailers_is_complete() {
    let telemetry = TestTelemetry::new();
    let chunks = || stream::iter(["ab", "cd"]).map(|chunk| Ok::<_, Infallible>(Bytes::from(chunk)));
    let sized = move || async move { ([("content-length", "4")], Body::from_stream(chunks())) };
    let trailed = move || async move {
        let trailers = stream::once(async { Ok(Frame::trailers(http::HeaderMap::new())) });
        Body::new(StreamBody::new(
            chunks().map(|chunk| chunk.map(Frame::data)).chain(trailers),
        ))
    };
    let app = Router::new()
        .route("/sized", on_get(sized))
        .route("/trailed", on_get(trailed));
    let app = layered(app, &telemetry);
    for (path, frames) in [("/sized", 2), ("/trailed", 3)] {
        let mut body = app.clone().oneshot(get(path)).await.unwrap().into_body();
        for _ in 0..frames {
            body.frame().await.unwrap().unwrap();
        }
        // The body is not polled to its end, as by a server that knows its length.
        drop(body);
    }
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET /sized http.response.status_code=200\nSERVER GET /trailed http.response.status_code=200\n"
    );
}

#[tokio::test]
async fn an_error_whose_body_nobody_reads_is_still_an_error() {
    let telemetry = TestTelemetry::new();
    let failing = || async {
        let body = Body::from_stream(stream::repeat_with(|| {
            Ok::<_, Infallible>(Bytes::from("a"))
        }));
        (http::StatusCode::INTERNAL_SERVER_ERROR, body)
    };
    let app = layered(Router::new().route("/", on_get(failing)), &telemetry);
    drop(app.oneshot(get("/")).await.unwrap());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=500 error.type=\"500\" telemetry.outcome=\"client_disconnected\" ERROR\n"
    );
    assert!(
        telemetry.metrics().contains("error_type=\"500\""),
        "{}",
        telemetry.metrics()
    );
}

#[tokio::test]
async fn a_body_nobody_reads_to_its_end_is_a_disconnect() {
    let telemetry = TestTelemetry::new();
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, Infallible>(Bytes::from("a"))
        }))
    };
    let app = layered(Router::new().route("/", on_get(endless)), &telemetry);
    let mut body = app.oneshot(get("/")).await.unwrap().into_body();
    body.frame().await;
    drop(body);
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=200 telemetry.outcome=\"client_disconnected\"\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn bodies_a_server_never_polls_are_complete() {
    let telemetry = TestTelemetry::new();
    let with_body = || async { (http::StatusCode::NOT_MODIFIED, Body::from("ignored")) };
    let app = Router::new()
        .route("/", on_get(|| async { Body::from("four") }))
        .route("/304", on_get(with_body));
    let app = layered(app, &telemetry);
    let head = Request::head("/").body(Body::empty()).unwrap();
    drop(app.clone().oneshot(head).await.unwrap());
    drop(app.oneshot(get("/304")).await.unwrap());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER HEAD / http.response.status_code=200\nSERVER GET /304 http.response.status_code=304\n"
    );
}

#[tokio::test]
async fn an_exact_content_length_ends_with_its_only_frame() {
    let telemetry = TestTelemetry::new();
    let app = layered(
        Router::new().route("/", on_get(|| async { "four" })),
        &telemetry,
    );
    let mut body = app.oneshot(get("/")).await.unwrap().into_body();
    body.frame().await;
    // The body is not polled until `None`, as by hyper with a content length.
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=200\n"
    );
    drop(body);
    assert_eq!(telemetry.spans().len(), 1);
}

#[tokio::test]
async fn a_panic_in_the_handler_ends_the_request_once_even_if_it_is_caught() {
    let telemetry = TestTelemetry::new();
    async fn panics() -> &'static str {
        panic!("oh")
    }
    let app = layered(Router::new().route("/", on_get(panics)), &telemetry);
    let request = std::panic::AssertUnwindSafe(app.oneshot(get("/")));
    assert!(request.catch_unwind().await.is_err());
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / error.type=\"panic\" telemetry.outcome=\"panicked\" ERROR\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_panic_in_the_body_ends_the_request_once() {
    struct Panics;
    impl Stream for Panics {
        type Item = Result<Bytes, Infallible>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            panic!("oh")
        }
    }
    let telemetry = TestTelemetry::new();
    let app = layered(
        Router::new().route("/", on_get(|| async { Body::from_stream(Panics) })),
        &telemetry,
    );
    let body = app.oneshot(get("/")).await.unwrap().into_body();
    assert!(
        std::panic::AssertUnwindSafe(body.collect())
            .catch_unwind()
            .await
            .is_err()
    );
    let expected = "SERVER GET / http.response.status_code=200 error.type=\"panic\" telemetry.outcome=\"panicked\" ERROR\n";
    assert_eq!(telemetry.tree(&SHOWN), expected);
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn requests_cancelled_at_any_point_leave_nothing_active() {
    let telemetry = TestTelemetry::new();
    let stages = || async {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        Body::from_stream(stream::iter(0..5).map(|_| Ok::<_, Infallible>(Bytes::from("a"))))
    };
    let app = layered(Router::new().route("/", on_get(stages)), &telemetry);
    for polls in 0..20 {
        let whole = async {
            let response = app.clone().oneshot(get("/")).await.unwrap();
            response.into_body().collect().await.unwrap();
        };
        let mut whole = std::pin::pin!(whole);
        for _ in 0..polls {
            if whole.as_mut().now_or_never().is_some() {
                break;
            }
        }
    }
    assert_eq!(active(&telemetry), Some(0.0));
    // The first future is dropped before its first poll, so it has never reached the layer.
    let measured = telemetry.metrics();
    let counts = measured
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
    let total: f64 = counts
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    assert_eq!((telemetry.spans().len(), total), (19, 19.0));
}

#[tokio::test]
async fn a_future_dropped_before_its_first_poll_ends_its_request() {
    use tower::Service as _;
    let telemetry = TestTelemetry::new();
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let service =
        tower::service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let mut service = tower::Layer::layer(&layer, service);
    let unpolled = service.call(get("/"));
    assert_eq!(active(&telemetry), Some(1.0));
    drop(unpolled);
    assert_eq!(active(&telemetry), Some(0.0));
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET telemetry.outcome=\"client_disconnected\"\n"
    );
}

#[tokio::test]
async fn ten_thousand_requests_cancelled_at_random_points_all_end() {
    let telemetry = TestTelemetry::new();
    let stages = || async {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        let chunks = stream::iter(0..5).then(|_| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Bytes::from("a"))
        });
        Body::from_stream(chunks)
    };
    let app = layered(Router::new().route("/", on_get(stages)), &telemetry);
    // Xorshift: random points that are the same on every run.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut running = Vec::new();
    let mut started = 0;
    while started < 10_000 || !running.is_empty() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if started < 10_000 && (running.len() < 8 || random.is_multiple_of(3)) {
            let app = app.clone();
            let whole = async move {
                let response = app.oneshot(get("/")).await.unwrap();
                response.into_body().collect().await.unwrap();
            };
            let mut whole = Box::pin(whole);
            // The first poll brings the request to the layer.
            assert!(whole.as_mut().now_or_never().is_none());
            running.push(whole);
            started += 1;
        }
        let at = (random >> 32) as usize % running.len();
        if random.is_multiple_of(11) || running[at].as_mut().now_or_never().is_some() {
            drop(running.swap_remove(at));
        }
    }
    assert_eq!(active(&telemetry), Some(0.0));
    let spans = telemetry.spans();
    let cancelled = spans
        .iter()
        .filter(|span| {
            span.attributes
                .iter()
                .any(|attribute| attribute.key.as_str() == "telemetry.outcome")
        })
        .count();
    assert_eq!(spans.len(), 10_000);
    assert!((1_000..9_000).contains(&cancelled), "{cancelled}");
}

#[tokio::test]
async fn a_client_that_hangs_up_on_a_real_server_ends_its_request() {
    let telemetry = TestTelemetry::new();
    let (entered, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let handler = move || async move {
        struct Dropped(tokio::sync::mpsc::UnboundedSender<&'static str>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.send("dropped");
            }
        }
        let _ = entered.send("entered");
        let _dropped = Dropped(entered);
        pending::<&'static str>().await
    };
    let app = layered(Router::new().route("/slow", on_get(handler)), &telemetry);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /slow HTTP/1.1\r\nhost: shop\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(seen.recv().await, Some("entered"));
    assert_eq!(active(&telemetry), Some(1.0));
    drop(client);
    assert_eq!(seen.recv().await, Some("dropped"));
    // The handler's future is dropped first, and the guard right after it.
    let ended = async {
        while telemetry.spans().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .unwrap();
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET /slow telemetry.outcome=\"client_disconnected\"\n"
    );
    assert_eq!(active(&telemetry), Some(0.0));
}

#[tokio::test]
async fn a_real_server_answers_keep_alive_requests_completely() {
    let telemetry = TestTelemetry::new();
    let app = layered(
        Router::new().route("/", on_get(|| async { "four" })),
        &telemetry,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    for request in [
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ] {
        client.write_all(request.as_bytes()).await.unwrap();
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.matches("x-correlation-id: ").count(), 2, "{answer}");
    assert_eq!(
        telemetry.tree(&SHOWN),
        "SERVER GET / http.response.status_code=200\nSERVER HEAD / http.response.status_code=200\n"
    );
}
