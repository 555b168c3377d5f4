//! The spans of the SDK's tracer, such as those of `tracing`, made like ours before they go on: attributes unique, the limit
//! counting keys, and times that a step of the wall clock does not change.

use std::time::{Duration, Instant, SystemTime};

use opentelemetry::{Context, Key, KeyValue, Value, trace::Span as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanLimits, SpanProcessor},
};

use super::{
    processor::Processors,
    span_clock::WallOffset,
    unique::{keep_last, keep_last_within},
};

/// On a span while it lasts: the offset of the wall clock when it started. The SDK has no other place for it.
const OFFSET: Key = Key::from_static_str("telemetry.pipeline.wall_offset");

/// An end so near to now was read now, and not named by a caller.
const RECENT: Duration = Duration::from_secs(1);

/// The processor of the SDK's tracer.
#[derive(Debug)]
pub(crate) struct SdkSpans {
    processors: Processors,
    /// The most attributes of a span.
    limit: u32,
    origin: Instant,
}

impl SdkSpans {
    pub(crate) fn new(processors: Processors, limits: &SpanLimits) -> Self {
        Self {
            processors,
            limit: limits.max_attributes_per_span,
            origin: Instant::now(),
        }
    }

    /// The limits for the SDK, which counts each value of a key, and the mark of the start.
    pub(crate) fn limits_of_sdk(limits: SpanLimits) -> SpanLimits {
        let attributes = limits.max_attributes_per_span;
        SpanLimits {
            max_attributes_per_span: attributes.saturating_mul(2).saturating_add(1),
            ..limits
        }
    }

    fn finish(&self, span: &mut SpanData) {
        if let Some(since) = taken_mark(&mut span.attributes) {
            undo_step(span, WallOffset::now(self.origin), since);
        }
        let dropped = keep_last_within(&mut span.attributes, self.limit);
        span.dropped_attributes_count = span.dropped_attributes_count.saturating_add(dropped);
        for event in &mut span.events.events {
            keep_last(&mut event.attributes);
        }
        for link in &mut span.links.links {
            keep_last(&mut link.attributes);
        }
    }
}

fn taken_mark(attributes: &mut Vec<KeyValue>) -> Option<WallOffset> {
    let at = attributes.iter().position(|one| one.key == OFFSET)?;
    match attributes.remove(at).value {
        Value::I64(nanos) => Some(WallOffset::of_nanos(nanos)),
        _ => None,
    }
}

fn undo_step(span: &mut SpanData, now: WallOffset, since: WallOffset) {
    let far = |time: SystemTime| {
        let apart = SystemTime::now().duration_since(time);
        apart.unwrap_or_else(|error| error.duration()) > RECENT
    };
    if now.nanos() == since.nanos() || far(span.end_time) {
        return;
    }
    span.end_time = now.undo(since, span.end_time);
    let lasted = span.start_time..=span.end_time;
    for event in &mut span.events.events {
        let undone = now.undo(since, event.timestamp);
        // Only an event after the step is outside of its span.
        if !lasted.contains(&event.timestamp) && lasted.contains(&undone) {
            event.timestamp = undone;
        }
    }
}

impl SpanProcessor for SdkSpans {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        let offset = WallOffset::now(self.origin).nanos();
        span.set_attribute(KeyValue::new(OFFSET, offset));
        self.processors.on_start(span, cx);
    }

    fn on_end(&self, mut span: SpanData) {
        self.finish(&mut span);
        self.processors.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processors.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processors.shutdown_with_timeout(timeout)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::traces::tests::Ended;

    fn spans(limits: SpanLimits, calls: impl Fn(opentelemetry::trace::SpanRef<'_>)) -> SpanData {
        let ended = Ended::default();
        let processors = Processors::new(vec![Box::new(ended.clone())]);
        let provider = SdkTracerProvider::builder()
            .with_span_limits(SdkSpans::limits_of_sdk(limits))
            .with_span_processor(SdkSpans::new(processors, &limits))
            .build();
        provider
            .tracer("test")
            .in_span("work", |cx| calls(cx.span()));
        ended.take().remove(0)
    }

    #[test]
    fn attributes_are_unique_and_the_limit_counts_keys() {
        let limits = SpanLimits {
            max_attributes_per_span: 3,
            ..SpanLimits::default()
        };
        let span = spans(limits, |span| {
            for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5)] {
                span.set_attribute(KeyValue::new(key, value));
            }
            span.add_event("event", vec![KeyValue::new("k", 1), KeyValue::new("k", 2)]);
        });
        let expected = [("a", 3), ("b", 2), ("c", 4)].map(|(key, value)| KeyValue::new(key, value));
        assert_eq!(span.attributes, expected);
        assert_eq!(span.dropped_attributes_count, 1);
        assert_eq!(span.events.events[0].attributes, [KeyValue::new("k", 2)]);
    }

    #[test]
    fn a_step_of_the_clock_is_undone_for_the_end_and_for_events_after_it() {
        let origin = Instant::now();
        let now = WallOffset::now(origin);
        let hour = Duration::from_secs(3600);
        let step = i64::try_from(hour.as_nanos()).unwrap();
        for (since, started) in [
            (
                WallOffset::of_nanos(now.nanos() - step),
                SystemTime::now() - hour,
            ),
            (
                WallOffset::of_nanos(now.nanos() + step),
                SystemTime::now() + hour,
            ),
        ] {
            let second = Duration::from_secs(1);
            let mut span = spans(SpanLimits::default(), |span| {
                span.add_event_with_timestamp("before", started, Vec::new());
                span.add_event("after", Vec::new());
            });
            span.start_time = started - second;
            undo_step(&mut span, now, since);
            let lasted = span.end_time.duration_since(span.start_time).unwrap();
            assert!(lasted >= second && lasted < 2 * second, "{lasted:?}");
            assert_eq!(span.events.events[0].timestamp, started);
            for event in &span.events.events {
                assert!(event.timestamp >= span.start_time && event.timestamp <= span.end_time);
            }
        }
    }

    #[test]
    fn an_end_that_a_caller_named_stays() {
        let mut span = spans(SpanLimits::default(), |span| {
            span.end_with_timestamp(SystemTime::UNIX_EPOCH);
        });
        let now = WallOffset::now(Instant::now());
        undo_step(&mut span, now, WallOffset::of_nanos(0));
        assert_eq!(span.end_time, SystemTime::UNIX_EPOCH);
    }
}
