use std::{
    collections::HashMap,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::FutureExt as _;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    baggage::BaggageExt as _,
    trace::{SpanId, SpanKind, TraceContextExt as _, TraceId},
};
use proptest::prelude::*;

use telemetry_api::messaging::*;
use telemetry_api::{correlation::CorrelationId, principal::Principal};
use telemetry_pipeline::testing::TestTelemetry;

const JOBS: Destination = Destination::new("outbox", "jobs");

const SHOWN: [&str; 8] = [
    "messaging.system",
    "messaging.destination.name",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.batch.message_count",
    "correlation_id",
    "user.roles",
    "error.type",
];

/// A request with all there is to carry.
fn request() -> Context {
    let cx = CorrelationId::parse("abc-123")
        .unwrap()
        .attach_to(&Context::new());
    let cx = Principal::new("ada").with_roles(["gold"]).attach_to(&cx);
    cx.with_baggage([KeyValue::new("tenant", "blue & green=1")])
}

fn done<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

/// Sends a message from a request; what a column then holds.
fn send_from(cx: Context) -> String {
    let _attached = cx.attach();
    let sent = JOBS.send(async |message| Ok::<_, Infallible>(message.to_string()));
    done(sent).unwrap()
}

/// Processes a message; what the consumer has in its context.
fn process(destination: &Destination, column: &str) -> Context {
    let message = MessageContext::parse(column);
    let seen = destination.process(&message, async { Ok::<_, Infallible>(Context::current()) });
    done(seen).unwrap()
}

fn links_of(telemetry: &TestTelemetry, name: &str) -> Vec<(TraceId, SpanId)> {
    let spans = telemetry.spans();
    let span = spans.iter().rfind(|span| span.name == name).unwrap();
    let links = span.links.iter().map(|link| &link.span_context);
    links
        .map(|link| (link.trace_id(), link.span_id()))
        .collect()
}

#[test]
fn a_consumer_has_a_trace_of_its_own_with_a_link_and_all_that_was_carried() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let column = send_from(request());
    let cx = process(&JOBS.trusting_senders(), &column);
    assert_eq!(CorrelationId::of(&cx).unwrap().as_str(), "abc-123");
    assert_eq!(Principal::of(&cx), Principal::of(&request()));
    assert_eq!(
        cx.baggage().get("tenant").unwrap().as_str(),
        "blue & green=1"
    );
    let spans = telemetry.spans();
    let sender = &spans[0].span_context;
    assert_ne!(spans[1].span_context.trace_id(), sender.trace_id());
    assert_eq!(
        links_of(&telemetry, "process jobs"),
        [(sender.trace_id(), sender.span_id())]
    );
    assert_eq!(
        telemetry.tree(&SHOWN),
        "\
PRODUCER send jobs messaging.system=\"outbox\" messaging.destination.name=\"jobs\" messaging.operation.name=\"send\" messaging.operation.type=\"send\"
CONSUMER process jobs messaging.system=\"outbox\" messaging.destination.name=\"jobs\" messaging.operation.name=\"process\" messaging.operation.type=\"process\" correlation_id=\"abc-123\" user.roles=[\"gold\"]
"
    );
}

#[test]
fn a_sender_that_nobody_trusts_names_no_principal() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let column = send_from(request());
    for destination in [JOBS, JOBS.continuing_traces()] {
        let cx = process(&destination, &column);
        assert_eq!(Principal::of(&cx), None);
        assert_eq!(cx.baggage().get("user.roles"), None);
        assert_eq!(CorrelationId::of(&cx).unwrap().as_str(), "abc-123");
    }
    let message = MessageContext::parse(&column);
    assert_eq!(Principal::of(&message.attach_to(&Context::new())), None);
    let trusted = message.attach_trusted_to(&Context::new());
    assert_eq!(Principal::of(&trusted), Principal::of(&request()));
}

#[test]
fn a_consumer_can_continue_the_trace_and_then_links_to_where_it_ran() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let column = send_from(request());
    process(&JOBS.continuing_traces(), &column);
    assert_eq!(
        telemetry.tree(&[]),
        "PRODUCER send jobs\n  CONSUMER process jobs\n"
    );
    assert_eq!(links_of(&telemetry, "process jobs").len(), 1);

    let ambient = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build())
        .start(&Context::new(), "push", SpanKind::Server, Vec::new);
    let span = ambient.span().span_context().clone();
    let _attached = ambient.attach();
    process(&JOBS.continuing_traces(), &column);
    assert_eq!(
        links_of(&telemetry, "process jobs")[1],
        (span.trace_id(), span.span_id())
    );
    process(&JOBS, &column);
    assert_eq!(links_of(&telemetry, "process jobs").len(), 1);
    assert_eq!(
        telemetry.spans().last().unwrap().parent_span_id,
        span.span_id()
    );
}

#[test]
fn the_correlation_id_of_a_trace_stays_the_senders_in_the_consumers_trace() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let column = send_from(Context::new());
    let cx = process(&JOBS, &column);
    let sent = telemetry.spans()[0].span_context.trace_id();
    assert_ne!(cx.span().span_context().trace_id(), sent);
    assert_eq!(CorrelationId::of(&cx).unwrap().as_str(), sent.to_string());
}

#[test]
fn a_batch_has_a_link_for_each_message_on_both_ends() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let messages = [JOBS.create(), JOBS.create(), MessageContext::default()];
    done(JOBS.send_batch(&messages, async { Ok::<_, Infallible>(()) })).unwrap();
    let created = telemetry.spans();
    let created: Vec<_> = created[..2]
        .iter()
        .map(|span| (span.span_context.trace_id(), span.span_context.span_id()))
        .collect();
    assert_eq!(links_of(&telemetry, "send jobs"), created);
    done(JOBS.process_batch(&messages, async { Ok::<_, Infallible>(()) })).unwrap();
    assert_eq!(links_of(&telemetry, "process jobs"), created);
    assert_eq!(
        telemetry.tree(&["messaging.batch.message_count"]),
        "\
PRODUCER create jobs
PRODUCER create jobs
CLIENT send jobs messaging.batch.message_count=3
CONSUMER process jobs messaging.batch.message_count=3
"
    );
    let series = r#"{messaging_destination_name="jobs",messaging_operation_name="NAME",messaging_system="outbox"}"#;
    let count = |metric: &str, operation| {
        telemetry.metric(&(metric.to_owned() + &series.replace("NAME", operation)))
    };
    assert_eq!(
        count("messaging_client_sent_messages_total", "send"),
        Some(3.0)
    );
    assert_eq!(
        count("messaging_client_consumed_messages_total", "process"),
        Some(3.0)
    );
    assert_eq!(
        count("messaging_client_operation_duration_seconds_count", "send"),
        Some(1.0)
    );
    assert_eq!(
        count("messaging_process_duration_seconds_count", "process"),
        Some(1.0)
    );
    assert_eq!(
        count("messaging_client_sent_messages_total", "create"),
        None
    );
}

#[test]
fn errors_cancellation_and_panics_are_on_span_and_metrics() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let message = MessageContext::default();
    let failed = done(JOBS.process(&message, async { Err::<(), _>(std::fmt::Error) }));
    assert!(failed.is_err());
    let pending = JOBS.process(&message, std::future::pending::<Result<(), Infallible>>());
    assert!(pending.now_or_never().is_none());
    let panics = JOBS.process(&message, async {
        assert!(message.span_context().is_some(), "oh");
        Ok::<_, Infallible>(())
    });
    assert!(catch_unwind(AssertUnwindSafe(|| done(panics))).is_err());
    let tree = telemetry.tree(&["error.type"]);
    assert!(tree.contains("error.type=\"panic\" ERROR\n"), "{tree}");
    assert!(
        tree.contains("error.type=\"core::fmt::Error\" ERROR (an error"),
        "{tree}"
    );
    assert!(tree.contains("error.type=\"cancelled\" ERROR\n"), "{tree}");
    let metrics = telemetry.metrics();
    assert!(
        metrics.contains("messaging_process_duration_seconds_count{error_type=\"cancelled\""),
        "{metrics}"
    );
}

#[test]
fn it_fits_any_carrier() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.providers().set_default();
    let column = send_from(request());
    assert!(column.bytes().all(|b| b.is_ascii_graphic()), "{column}");
    let message = MessageContext::parse(&column);
    assert_eq!(message.to_string(), column);
    let mut map = HashMap::new();
    message.inject(&mut map);
    map.insert("content-type".into(), "json".into());
    assert_eq!(map["x-correlation-id"], "abc-123");
    let extracted = MessageContext::extract(&map);
    assert_eq!(extracted.span_context(), message.span_context());
    assert_eq!(extracted.correlation_id(), message.correlation_id());
    assert!(!extracted.to_string().contains("json"));
}

#[test]
fn without_a_pipeline_work_is_done_and_correlation_still_travels() {
    let column = send_from(request());
    assert!(column.contains("x-correlation-id=abc-123"), "{column}");
    assert_eq!(
        done(JOBS.process(&MessageContext::parse(&column), async {
            Ok::<_, Infallible>(7)
        })),
        Ok(7)
    );
}

#[test]
fn hostile_text_is_as_if_it_were_not_there() {
    for text in [
        "",
        "&&&===",
        "traceparent",
        "traceparent=00-0-0-0",
        "x-correlation-id=a%0Ab",
        "x-correlation-id=%ff",
        "bad key=1",
        &format!("x-correlation-id=a&{}", "x".repeat(64 * 1024)),
    ] {
        let message = MessageContext::parse(text);
        assert_eq!(message.span_context(), None, "{text:.40}");
        assert_eq!(message.correlation_id(), None, "{text:.40}");
    }
    let smuggled = MessageContext::parse("authorization=Bearer%20x&x-correlation-id=abc-123");
    assert_eq!(smuggled.to_string(), "x-correlation-id=abc-123");
    let huge = HashMap::from([("baggage".to_owned(), "a=b,".repeat(20_000))]);
    assert_eq!(MessageContext::extract(&huge).to_string(), "");
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in ".{0,300}", tail in "(traceparent|baggage|x-correlation-id)=[!-~]{0,80}") {
        for text in [&text, &tail] {
            let message = MessageContext::parse(text);
            let _ = message.attach_to(&Context::new());
            prop_assert_eq!(MessageContext::parse(&message.to_string()).to_string(), message.to_string());
        }
    }
}
