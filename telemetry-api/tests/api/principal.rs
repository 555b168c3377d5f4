use opentelemetry::{
    Context, InstrumentationScope,
    trace::{SpanKind, TraceContextExt as _},
};
use telemetry_api::Principal;
use telemetry_pipeline::testing::TestTelemetry;

#[test]
fn a_scope_reaches_the_span_and_what_runs_inside_and_ends_with_it() {
    let telemetry = TestTelemetry::new();
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    let cx = tracer.start(&Context::new(), "request", SpanKind::Server, Vec::new);
    let attached = cx.clone().attach();
    let principal = Principal::new("ada").with_roles(["gold"]);
    let inside = futures_util::FutureExt::now_or_never(
        principal.clone().scope(async { Principal::current() }),
    );
    assert_eq!(inside, Some(Some(principal.clone())));
    assert_eq!(Principal::current(), None);
    drop(attached);
    cx.span().end();
    assert_eq!(
        telemetry.tree(&["user.id", "user.hash", "user.roles"]),
        format!(
            "SERVER request user.hash={:?} user.roles=[\"gold\"]\n",
            principal.hash().unwrap()
        )
    );
}
