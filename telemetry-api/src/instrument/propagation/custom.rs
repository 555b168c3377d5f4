//! Propagators of others: their view of the headers, and their panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
};

use super::Received;

pub(super) fn receive(
    propagator: &dyn TextMapPropagator,
    received: Received,
    headers: &HeaderMap,
) -> Received {
    received
        .in_context()
        .extended(|cx| caught(|| propagator.extract_with_context(cx, &HeaderExtractor(headers))))
}

pub(super) fn inject(propagator: &dyn TextMapPropagator, cx: &Context, headers: &mut HeaderMap) {
    caught(|| propagator.inject_context(cx, &mut HeaderInjector(headers)));
}

/// A request must not fail because of its telemetry, and this is the one part of it that is not ours.
///
/// Headers are whole between two calls of the injector and contexts are never changed, so a panic leaves nothing half
/// done outside of the propagator.
fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    let done = catch_unwind(AssertUnwindSafe(run)).ok();
    if done.is_none() && !REPORTED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            target: "telemetry",
            "a custom propagator panicked; the request goes on without what it had to read or write (reported once)"
        );
    }
    done
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self
            .0
            .get_all(key)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            // A map that is full drops it: a request is not to fail because of its headers.
            let _ = self.0.try_insert(name, value);
        }
    }
}
