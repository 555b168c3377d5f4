//! The headers that carry the context, and the hosts that do not get them.

use std::sync::{Arc, Mutex};

use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{FutureExt as _, SpanKind, TraceContextExt as _},
};
use reqwest_middleware::ClientBuilder;
use telemetry_api::{
    CorrelationId, Principal,
    instrument::{
        Providers,
        propagation::{Format, Propagation},
    },
    task::InCurrentContext as _,
};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_reqwest::{Hosts, NoPropagation, TelemetryMiddleware};
use tracing_subscriber::{Layer, layer::SubscriberExt as _};

use crate::{client, client_with, middleware, server};

pub(crate) const CONTEXT_HEADERS: [&str; 3] = ["traceparent:", "baggage:", "x-correlation-id:"];

pub(crate) fn caller() -> Context {
    CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new())
        .with_baggage([KeyValue::new("role", "buyer")])
}

async fn echo(call: reqwest_middleware::RequestBuilder) -> String {
    let response = call.send().with_context(caller()).await.unwrap();
    response.text().await.unwrap()
}

#[tokio::test]
async fn nothing_is_sent_to_a_host_that_is_not_allowed() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let port = address.port();
    let url = format!("http://{address}/");
    for (hosts, sent) in [
        (Hosts::new(["127.0.0.1"]), true),
        (Hosts::new([format!("127.0.0.1:{port}")]), true),
        (Hosts::new(["127.0.0.1:1", ".shop.internal"]), false),
        (Hosts::none(), false),
    ] {
        let with_pipeline = middleware(&telemetry).with_propagation_to(hosts.clone());
        let echoed = echo(client_with(with_pipeline).get(&url)).await;
        for header in CONTEXT_HEADERS {
            assert_eq!(echoed.contains(header), sent, "{header} {hosts:?} {echoed}");
        }
        let without = TelemetryMiddleware::new().with_propagation_to(hosts);
        let echoed = echo(client_with(without).get(&url)).await;
        assert_eq!(echoed.contains("x-correlation-id:"), sent);
    }
    assert_eq!(telemetry.spans().len(), 4);
}

#[tokio::test]
async fn a_request_can_opt_out_and_is_still_a_span() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let call = client(&telemetry).get(format!("http://{address}/"));
    let echoed = echo(call.with_extension(NoPropagation)).await;
    for header in CONTEXT_HEADERS {
        assert!(!echoed.contains(header), "{header} {echoed}");
    }
    assert_eq!(telemetry.tree(&[]), "CLIENT GET\n");
}

#[tokio::test]
async fn headers_of_the_request_are_replaced_but_for_its_correlation_id() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let call = client(&telemetry)
        .get(format!("http://{address}/"))
        .header("traceparent", "stale")
        .header("tracestate", "stale=1")
        .header("baggage", "stale=1")
        .header("x-correlation-id", "mine");
    let echoed = echo(call).await;
    assert!(!echoed.contains("stale"), "{echoed}");
    assert!(echoed.contains("x-correlation-id: mine\n") && echoed.contains("traceparent: 00-"));
}

#[tokio::test]
async fn baggage_of_another_request_is_not_sent_on_without_any_of_ours() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let url = format!("http://{address}/");
    let send = async |opted_out: bool| {
        let mut call = client(&telemetry).get(&url).header("baggage", "stale=1");
        if opted_out {
            call = call.with_extension(NoPropagation);
        }
        call.send().await.unwrap().text().await.unwrap()
    };
    let echoed = send(false).await;
    assert!(!echoed.contains("baggage") && echoed.contains("traceparent"));
    // Without propagation no header of the request is removed.
    assert!(send(true).await.contains("baggage: stale=1"));
}

#[derive(Debug)]
struct Broken;

impl TextMapPropagator for Broken {
    fn inject_context(&self, _: &Context, injector: &mut dyn Injector) {
        injector.set("not a header", "x".into());
        injector.set("x-bad-value", "line\nbreak".into());
        injector.set("x-good", "1".into());
        unreachable!("a propagator that panics")
    }
    fn extract_with_context(&self, cx: &Context, _: &dyn Extractor) -> Context {
        cx.clone()
    }
    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[tokio::test]
async fn a_propagator_that_panics_or_writes_no_valid_header_does_not_fail_the_request() {
    let address = server().await;
    let spans = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let meters = opentelemetry_sdk::metrics::SdkMeterProvider::builder().build();
    let propagation = Propagation::new([Format::Custom(Arc::new(Broken)), Format::TraceContext]);
    let providers = Providers::builder(spans, Arc::new(meters))
        .with_propagation(propagation)
        .build();
    let client = client_with(TelemetryMiddleware::new().with_providers(providers));
    let echoed = echo(client.get(format!("http://{address}/"))).await;
    assert!(echoed.contains("x-good: 1") && echoed.contains("traceparent"));
    assert!(!echoed.contains("baggage") && !echoed.contains("x-bad-value"));
}

#[tokio::test]
async fn headers_that_are_full_take_no_more_and_do_not_panic() {
    use reqwest_middleware::{Middleware, Next};
    struct Count(Arc<Mutex<usize>>);
    #[async_trait::async_trait]
    impl Middleware for Count {
        async fn handle(
            &self,
            request: reqwest::Request,
            _: &mut http::Extensions,
            _: Next<'_>,
        ) -> reqwest_middleware::Result<reqwest::Response> {
            *self.0.lock().unwrap() = request.headers().len();
            Ok(http::Response::new("").into())
        }
    }
    let telemetry = TestTelemetry::new();
    let seen = Arc::new(Mutex::new(0));
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&telemetry))
        .with(Count(seen.clone()))
        .build();
    let mut headers = http::HeaderMap::new();
    for n in 0_u32.. {
        let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
        if headers.try_insert(name, n.into()).is_err() {
            break;
        }
    }
    let mut request =
        reqwest::Request::new(http::Method::GET, "http://a.example/".parse().unwrap());
    let full = headers.len();
    *request.headers_mut() = headers;
    let _ = client.execute(request).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), full);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "telemetry" {
            let line = format!("{} {event:?}", event.metadata().level());
            self.0.lock().unwrap().push(line);
        }
    }
}

#[tokio::test]
async fn a_task_that_lost_its_context_starts_a_trace_and_says_so_once() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let lines = Lines::default();
    let _collecting =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
    let client = client(&telemetry);
    let call = |path: &str| client.get(format!("http://{address}/{path}")).send();
    let scope = opentelemetry::InstrumentationScope::builder("t").build();
    let cx = telemetry.providers().tracer(scope).start(
        &Context::new(),
        "GET /",
        SpanKind::Server,
        Vec::new,
    );
    let kept = call("kept");
    let keeping = async {
        let task = tokio::spawn(async { kept.await.map(drop) }.in_current_context());
        task.await.unwrap()
    };
    keeping.with_context(cx.clone()).await.unwrap();
    assert!(lines.0.lock().unwrap().is_empty());
    for _ in 0..3 {
        let lost = call("lost?sig=secret");
        tokio::spawn(async { lost.await.map(drop) })
            .await
            .unwrap()
            .unwrap();
    }
    cx.span().end();
    assert_eq!(
        telemetry.tree(&[]),
        "SERVER GET /\n  CLIENT GET\nCLIENT GET\nCLIENT GET\nCLIENT GET\n"
    );
    let lines = lines.0.lock().unwrap();
    assert!(
        lines.len() == 1 && lines[0].starts_with("DEBUG"),
        "{lines:?}"
    );
    assert!(!lines[0].contains("secret"));
}

#[tokio::test]
async fn two_services_are_one_trace() {
    let telemetry = TestTelemetry::new();
    let providers = telemetry.providers().clone();
    let scope = || opentelemetry::InstrumentationScope::builder("t").build();
    let serving = move |request: axum::extract::Request| {
        let providers = providers.clone();
        async move {
            let parent = providers
                .propagation()
                .extract(&Context::new(), request.headers());
            let cx =
                providers
                    .tracer(scope())
                    .start(&parent, "GET /stock", SpanKind::Server, Vec::new);
            cx.span().end();
        }
    };
    let address = crate::serve(axum::Router::new().fallback(serving)).await;
    let tracer = telemetry.providers().tracer(scope());
    let cx = tracer.start(&Context::new(), "GET /order", SpanKind::Server, Vec::new);
    let call = client(&telemetry).get(format!("http://{address}/")).send();
    let _ = call.with_context(cx.clone()).await.unwrap();
    cx.span().end();
    assert_eq!(
        telemetry.tree(&[]),
        "SERVER GET /order\n  CLIENT GET\n    SERVER GET /stock\n"
    );
}

#[tokio::test]
async fn the_principal_is_sent_to_listed_hosts_only() {
    let (telemetry, address) = (TestTelemetry::new(), server().await);
    let url = format!("http://{address}/");
    let caller = Principal::new("lovelace")
        .with_roles(["customer", "gold"])
        .attach_to(&caller());
    let echo = async |middleware: TelemetryMiddleware, opted_out: bool| {
        let mut call = client_with(middleware).get(&url);
        if opted_out {
            call = call.with_extension(NoPropagation);
        }
        let response = call.send().with_context(caller.clone()).await.unwrap();
        response.text().await.unwrap()
    };
    let listed = || middleware(&telemetry).with_propagation_to(Hosts::new(["127.0.0.1"]));
    let echoed = echo(listed(), false).await;
    assert!(echoed.contains("role=buyer"), "{echoed}");
    assert!(echoed.contains("user.roles=customer%2Cgold"), "{echoed}");
    assert!(echoed.contains("user.hash="), "{echoed}");
    assert!(!echoed.contains("lovelace"), "{echoed}");

    let elsewhere = middleware(&telemetry).with_propagation_to(Hosts::new(["shop.example"]));
    for echoed in [
        echo(middleware(&telemetry), false).await,
        echo(elsewhere, false).await,
        echo(listed(), true).await,
    ] {
        assert!(!echoed.contains("user."), "{echoed}");
    }
}
