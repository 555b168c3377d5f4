use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::TraceContextExt as _,
};
use telemetry_api::instrument::propagation::{Format, Propagation};
use telemetry_pipeline::testing::TestTelemetry;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Debug)]
struct Panics;

impl TextMapPropagator for Panics {
    fn inject_context(&self, _: &Context, injector: &mut dyn Injector) {
        injector.set("x-half", "1".into());
        unreachable!("a propagator that panics")
    }
    fn extract_with_context(&self, _: &Context, _: &dyn Extractor) -> Context {
        unreachable!("a propagator that panics")
    }
    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[test]
fn a_propagator_of_others_that_panics_costs_only_itself_and_is_told_of_once() {
    let telemetry = TestTelemetry::new();
    let _default = telemetry.set_default();
    let formats = [Format::Custom(Arc::new(Panics)), Format::TraceContext];
    let propagation = Propagation::new(formats);
    let received = HeaderMap::from_iter([("traceparent".parse().unwrap(), VALID.parse().unwrap())]);
    for _ in 0..2 {
        let cx = propagation.extract(&Context::new(), &received);
        assert!(cx.span().span_context().is_valid());
        let mut out = HeaderMap::new();
        propagation.inject(&cx, &mut out);
        assert_eq!((out["x-half"].as_bytes(), out.len()), (&b"1"[..], 2));
    }
    telemetry
        .assert_log("a custom propagator panicked")
        .count(1);
}
