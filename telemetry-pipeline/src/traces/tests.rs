//! Every test that can compares with what the SDK's tracer makes of the same calls.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    trace::{
        Link, SpanContext, SpanId, SpanKind, SpanRef, Status, TraceContextExt, TraceFlags, TraceId,
        TraceState, TracerProvider,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{
        Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData,
        SpanLimits, SpanProcessor,
    },
};

use super::*;
use telemetry_api::instrument::tracer::{Decides, SamplingHint, Tracer};

const HINT: SamplingHint = SamplingHint {
    reads_attributes: false,
    records_roots: true,
    records_unsampled: true,
    decides: Decides::All,
};

const LIMITS: SpanLimits = {
    let limit = 2;
    SpanLimits {
        max_events_per_span: limit,
        max_attributes_per_span: limit + 1,
        max_links_per_span: limit,
        max_attributes_per_event: limit,
        max_attributes_per_link: limit,
    }
};

#[derive(Clone, Debug, Default)]
pub(super) struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl Ended {
    pub(super) fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}
    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Processor for Ended {}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("test")
        .with_version("1")
        .build()
}

fn ours<S: ShouldSample + 'static>(sampler: S, hint: SamplingHint, ended: &Ended) -> Tracer {
    let recorder = Arc::new(Recorder {
        sampler,
        ids: None,
        limits: LIMITS,
        processors: Processors::new(vec![Box::new(ended.clone())]),
    });
    Tracer::new(recorder.scoped(scope()), hint.into())
}

fn sdks<S: ShouldSample + 'static>(sampler: S, hint: SamplingHint, ended: &Ended) -> Tracer {
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_span_limits(LIMITS)
        .with_span_processor(ended.clone())
        .build();
    Tracer::new(Arc::new(provider.tracer_with_scope(scope())), hint.into())
}

fn key_values(count: i64) -> Vec<KeyValue> {
    (0..count)
        .map(|n| KeyValue::new(format!("key{n}"), n))
        .collect()
}

fn caller(flags: u8, state: &str) -> SpanContext {
    SpanContext::new(
        TraceId::from(7),
        SpanId::from(8),
        TraceFlags::new(flags),
        true,
        state.parse().unwrap(),
    )
}

fn below(parent: SpanContext) -> Context {
    Context::new().with_remote_span_context(parent)
}

/// Without ids and times, which may differ.
fn comparable(mut span: SpanData) -> SpanData {
    let context = &span.span_context;
    assert!(context.is_valid(), "{context:?}");
    let (trace_id, flags) = match span.parent_span_id {
        SpanId::INVALID => (
            TraceId::from(1),
            context.trace_flags() & TraceFlags::SAMPLED,
        ),
        _ => (context.trace_id(), context.trace_flags()),
    };
    span.span_context = SpanContext::new(
        trace_id,
        SpanId::from(1),
        flags,
        context.is_remote(),
        context.trace_state().clone(),
    );
    assert!(span.start_time <= span.end_time, "{span:?}");
    (span.start_time, span.end_time) = (UNIX_EPOCH, UNIX_EPOCH);
    for event in &mut span.events.events {
        event.timestamp = UNIX_EPOCH;
    }
    span
}

/// The spans that both make of the same calls are the same.
fn same<S: ShouldSample + Clone + 'static>(
    sampler: S,
    parent: &Context,
    calls: impl Fn(SpanRef<'_>),
) {
    let ended = Ended::default();
    let spans = [
        ours(sampler.clone(), HINT, &ended),
        sdks(sampler, HINT, &ended),
    ]
    .map(|tracer| {
        let cx = tracer.start(parent, "GET /", SpanKind::Client, || key_values(2));
        calls(cx.span());
        let context = cx.span().span_context().clone();
        drop(cx);
        let spans: Vec<_> = ended.take().into_iter().map(comparable).collect();
        (
            context.is_valid(),
            context.is_remote(),
            context.is_sampled(),
            context.trace_state().clone(),
            spans,
        )
    });
    let [ours, sdks] = spans;
    assert_eq!(ours, sdks);
}

#[test]
fn a_span_is_what_the_sdks_would_be() {
    for parent in [
        Context::new(),
        below(caller(1, "vendor=1")),
        below(caller(3, "")),
        // No id, so no parent.
        below(SpanContext::NONE),
        below(caller(1, "")).with_telemetry_suppressed(),
    ] {
        same(Sampler::AlwaysOn, &parent, |span| span.end());
    }
}

#[test]
fn whatever_is_called_gives_what_the_sdk_gives_limits_included() {
    let calls: [fn(SpanRef<'_>); 11] = [
        |span| span.set_attribute(KeyValue::new("late", 1.5)),
        |span| span.set_attributes([1, 2, 3].map(|n| KeyValue::new(format!("late{n}"), n))),
        |span| span.add_event("event", key_values(1)),
        |span| (0..4).for_each(|n| span.add_event("events", key_values(n))),
        |span| (0..4).for_each(|n| span.add_link(caller(1, "a=1"), key_values(n))),
        |span| span.update_name("GET /{id}"),
        |span| span.set_status(Status::error("no")),
        |span| {
            span.set_status(Status::Ok);
            span.set_status(Status::error("no"));
            span.set_status(Status::Unset);
        },
        |span| {
            span.set_status(Status::error("b"));
            span.set_status(Status::error("a"));
        },
        |span| span.record_error(&std::fmt::Error),
        |span| {
            span.end();
            assert!(!span.is_recording());
            // Too late.
            span.set_attribute(KeyValue::new("late", 1));
            span.add_event("late", vec![]);
            span.add_link(caller(1, ""), vec![]);
            span.set_status(Status::Ok);
            span.update_name("late");
            span.end();
        },
    ];
    for call in calls {
        same(Sampler::AlwaysOn, &Context::new(), call);
    }
}

#[test]
fn the_last_value_of_a_key_counts_wherever_it_was_set() {
    let ended = Ended::default();
    let tracer = ours(Sampler::AlwaysOn, HINT, &ended);
    let pair = |key: &'static str, value: i64| KeyValue::new(key, value);
    let start = || vec![pair("k", 1), pair("a", 1), pair("k", 2)];
    let cx = tracer.start(&Context::new(), "work", SpanKind::Internal, start);
    let span = cx.span();
    span.set_attribute(pair("a", 2));
    span.set_attributes([pair("b", 1), pair("k", 3), pair("c", 1)]);
    let part = || vec![pair("x", 1), pair("x", 2), pair("y", 1)];
    span.add_event("event", part());
    span.add_link(caller(1, ""), part());
    span.end();
    let span = ended.take().remove(0);
    // The limit of three counts keys.
    assert_eq!(span.attributes, [pair("k", 3), pair("a", 2), pair("b", 1)]);
    assert_eq!(span.dropped_attributes_count, 1);
    let expected = [pair("x", 2), pair("y", 1)];
    assert_eq!(span.events.events[0].attributes, expected);
    assert_eq!(span.events.events[0].dropped_attributes_count, 0);
    assert_eq!(span.links.links[0].attributes, expected);
}

#[test]
fn an_explicit_end_counts_and_a_drop_is_an_end() {
    let ended = Ended::default();
    let tracer = ours(Sampler::AlwaysOn, HINT, &ended);
    let before = SystemTime::now();
    let start = || tracer.start(&Context::new(), "work", SpanKind::Internal, Vec::new);
    start().span().end_with_timestamp(UNIX_EPOCH);
    drop(start());
    let [explicit, dropped] = &ended.take()[..] else {
        panic!("two spans");
    };
    assert_eq!(explicit.end_time, UNIX_EPOCH);
    assert!(dropped.end_time >= dropped.start_time && dropped.start_time >= before);
}

/// Decides as told, and adds what samplers may add.
#[derive(Clone, Debug)]
struct Says(SamplingDecision);

impl ShouldSample for Says {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: self.0.clone(),
            attributes: vec![KeyValue::new("seen", attributes.len() as i64)],
            trace_state: TraceState::from_key_value([("sampler", "1")]).unwrap(),
        }
    }
}

#[test]
fn a_sampler_decides_and_its_attributes_and_trace_state_are_there() {
    let ended = Ended::default();
    for decision in [
        SamplingDecision::RecordOnly,
        SamplingDecision::RecordAndSample,
    ] {
        let reads = SamplingHint {
            reads_attributes: true,
            ..HINT
        };
        let sampled = decision == SamplingDecision::RecordAndSample;
        let tracers = [
            ours(Says(decision.clone()), reads, &ended),
            sdks(Says(decision), reads, &ended),
        ];
        let spans = tracers.map(|tracer| {
            let parent = below(caller(0, ""));
            tracer.start(&parent, "work", SpanKind::Server, || key_values(1));
            ended.take().into_iter().map(comparable).collect::<Vec<_>>()
        });
        let [ours, sdks] = spans;
        assert_eq!(ours, sdks);
        assert_eq!(
            ours[0].attributes,
            [KeyValue::new("key0", 0), KeyValue::new("seen", 1)]
        );
        assert_eq!(ours[0].span_context.is_sampled(), sampled);
    }
}

#[test]
fn a_dropped_span_asks_for_no_attributes_and_keeps_the_callers_random_flag() {
    let ended = Ended::default();
    let lazy = SamplingHint {
        records_unsampled: false,
        ..HINT
    };
    let tracer = ours(Says(SamplingDecision::Drop), lazy, &ended);
    let attributes = || panic!("of no use");
    let cx = tracer.start(&below(caller(3, "")), "work", SpanKind::Server, attributes);
    let span = cx.span().span_context().clone();
    assert!(span.is_valid() && !span.is_remote() && !span.is_sampled());
    assert_eq!(span.trace_flags(), TraceFlags::new(2));
    assert_eq!(span.trace_state().header(), "sampler=1");
    assert_eq!(ended.take(), []);
}

#[test]
fn each_call_below_an_unsampled_span_has_an_id_of_its_own() {
    let follows = SamplingHint {
        decides: Decides::LocalRoots,
        records_roots: false,
        records_unsampled: false,
        ..HINT
    };
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let tracer = ours(sampler, follows, &Ended::default());
    let server = tracer.start(&Context::new(), "GET /", SpanKind::Server, Vec::new);
    let of = |cx: &Context| cx.span().span_context().clone();
    for kind in [SpanKind::Client, SpanKind::Producer] {
        let call = || of(&tracer.start(&server, "call", kind.clone(), Vec::new));
        let ids = [of(&server), call(), call()];
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            assert_ne!(ids[one].span_id(), ids[other].span_id(), "{kind:?}");
        }
        for id in &ids {
            assert_eq!(id.trace_id(), ids[0].trace_id());
            assert!(id.is_valid() && !id.is_sampled() && !id.is_remote());
        }
    }
}

#[test]
fn the_random_flag_is_the_callers_alone() {
    let tracer = ours(Sampler::AlwaysOn, HINT, &Ended::default());
    let flags = |parent: &Context| {
        let cx = tracer.start(parent, "work", SpanKind::Server, Vec::new);
        let span = cx.span();
        span.span_context().trace_flags().to_u8()
    };
    assert_eq!(flags(&Context::new()), 1);
    assert_eq!(flags(&below(caller(1, ""))), 1);
    assert_eq!(flags(&below(caller(3, ""))), 3);
}

#[test]
fn every_processor_gets_every_span_of_ours_and_of_the_sdk() {
    let (first, last) = (Ended::default(), Ended::default());
    let both: Vec<Box<dyn Processor>> = vec![Box::new(first.clone()), Box::new(last.clone())];
    let both = Processors::new(both);
    let recorder = Arc::new(Recorder {
        sampler: Sampler::AlwaysOn,
        ids: None,
        limits: SpanLimits::default(),
        processors: both.clone(),
    });
    let sdk = SdkTracerProvider::builder()
        .with_span_processor(both)
        .build();
    let ours = Tracer::new(recorder.scoped(scope()), HINT.into());
    let sdks = Tracer::new(Arc::new(sdk.tracer_with_scope(scope())), HINT.into());
    for tracer in [ours, sdks] {
        tracer.start(&Context::new(), "work", SpanKind::Internal, Vec::new);
        let spans = first.take();
        assert_eq!(spans.len(), 1);
        assert_eq!(spans, last.take());
    }
}
