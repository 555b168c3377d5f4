//! Another pipeline, written against `instrument` and the OpenTelemetry API alone: it keeps texts instead of exporting.
#![allow(clippy::unwrap_used)]

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use telemetry_api::{
    counter,
    instrument::{
        Providers,
        pipeline::{SamplingHint, StartSpan, span_id, trace_id},
        tracer::Decides,
    },
    opentelemetry::{
        Context, InstrumentationScope, KeyValue,
        metrics::{
            BoundSyncInstrument, Counter, InstrumentBuilder, InstrumentProvider, Meter,
            MeterProvider, SyncInstrument,
        },
        trace::{
            Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
        },
    },
    record_error, set_attribute, step,
};

/// The output of the pipeline, a line for each span and measurement.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

struct ToySpan {
    lines: Lines,
    context: SpanContext,
    text: String,
    ended: bool,
}

impl Span for ToySpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        _: SystemTime,
        _: Vec<KeyValue>,
    ) {
        self.text += &format!(" event={}", name.into());
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        !self.ended
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.text += &format!(" {}={}", attribute.key, attribute.value);
    }

    fn set_status(&mut self, status: Status) {
        self.text += &format!(" status={status:?}");
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.text = name.into().into_owned();
    }

    fn add_link(&mut self, _: SpanContext, _: Vec<KeyValue>) {
        self.text += " link";
    }

    fn end_with_timestamp(&mut self, _: SystemTime) {
        if !std::mem::replace(&mut self.ended, true) {
            self.lines.push(self.text.clone());
        }
    }
}

struct ToySpans {
    lines: Lines,
    scope: InstrumentationScope,
}

impl StartSpan for ToySpans {
    fn start(
        &self,
        name: Cow<'static, str>,
        _: SpanKind,
        parent: &Context,
        _: SamplingHint,
        attributes: &mut dyn FnMut() -> Vec<KeyValue>,
    ) -> Context {
        let outer = parent.span().span_context().clone();
        let trace = if outer.is_valid() {
            outer.trace_id()
        } else {
            trace_id()
        };
        let mut span = ToySpan {
            lines: self.lines.clone(),
            context: SpanContext::new(
                trace,
                span_id(),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            text: format!(
                "{}: {name} below={}",
                self.scope.name(),
                outer.span_id() != SpanId::INVALID
            ),
            ended: false,
        };
        span.set_attributes(attributes());
        parent.with_span(span)
    }
}

struct ToyMeters(Lines);

impl MeterProvider for ToyMeters {
    fn meter_with_scope(&self, _: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(ToyInstruments(self.0.clone())))
    }
}

struct ToyInstruments(Lines);

impl InstrumentProvider for ToyInstruments {
    fn u64_counter(&self, builder: InstrumentBuilder<'_, Counter<u64>>) -> Counter<u64> {
        Counter::new(Arc::new(ToyCounter(
            self.0.clone(),
            builder.name.to_string(),
        )))
    }
}

struct ToyCounter(Lines, String);

impl SyncInstrument<u64> for ToyCounter {
    fn measure(&self, count: u64, attributes: &[KeyValue]) {
        self.bind(attributes).measure(count);
    }

    fn bind(&self, attributes: &[KeyValue]) -> Box<dyn BoundSyncInstrument<u64> + Send + Sync> {
        let labels: Vec<_> = attributes
            .iter()
            .map(|kv| format!("{}={}", kv.key, kv.value))
            .collect();
        Box::new(ToySeries(
            self.0.clone(),
            format!("{}{{{}}}", self.1, labels.join(",")),
        ))
    }
}

struct ToySeries(Lines, String);

impl BoundSyncInstrument<u64> for ToySeries {
    fn measure(&self, count: u64) {
        self.0.push(format!("{} +{count}", self.1));
    }
}

#[test]
fn steps_and_metrics_work_with_a_pipeline_that_has_no_sdk() {
    let lines = Lines::default();
    let spans = {
        let lines = lines.clone();
        move |scope| -> Arc<dyn StartSpan> {
            let lines = lines.clone();
            Arc::new(ToySpans { lines, scope })
        }
    };
    let providers = Providers::starting(spans, Arc::new(ToyMeters(lines.clone())))
        .with_namespace("shop")
        .with_sampling_hint(SamplingHint {
            reads_attributes: false,
            records_roots: true,
            records_unsampled: false,
            decides: Decides::TraceRoots,
        })
        .build();
    let _default = providers.set_default();

    let sold = step("Sell").flow("checkout").in_scope(|| {
        set_attribute("shop.sku", "SKU-1");
        counter("shop.sold").add(2, ("shop.express", true));
        step("Pay")
            .in_scope(|| Err::<(), _>(std::fmt::Error))
            .inspect_err(record_error)
    });

    assert!(sold.is_err());
    let lines = lines.0.lock().unwrap();
    let expected = [
        "shop.sold{shop.express=true} +2",
        "shop.steps{shop.outcome=error,error.type=core::fmt::Error} +1",
        "telemetry-core: Pay below=true shop.outcome=error error.type=core::fmt::Error status=Error { description: \"an error occurred when formatting an argument\" }",
        "shop.steps{shop.outcome=error,shop.flow=checkout,error.type=core::fmt::Error} +1",
        "telemetry-core: Sell below=false shop.flow=checkout shop.sku=SKU-1 shop.outcome=error error.type=core::fmt::Error status=Error { description: \"an error occurred when formatting an argument\" }",
    ];
    assert_eq!(*lines, expected);
}
