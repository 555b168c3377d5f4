use std::{
    collections::BTreeMap,
    convert::identity,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    baggage::BaggageExt as _,
    trace::SpanKind,
    trace::{FutureExt as _, TraceContextExt as _},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinSet, spawn_blocking, yield_now},
};

use telemetry_api::task::*;
use telemetry_api::{correlation::CorrelationId, principal::Principal};
use telemetry_pipeline::testing::TestTelemetry;

/// Everything a context carries, as one text.
fn carried() -> String {
    Context::map_current(|cx| {
        let span = cx.span().span_context().span_id();
        let correlation = CorrelationId::of(cx).map(|id| id.to_string());
        let principal = Principal::of(cx).map(|principal| principal.roles().collect::<String>());
        let baggage = cx.baggage().get("tenant").cloned();
        format!("{span} {correlation:?} {principal:?} {baggage:?}")
    })
}

/// [`carried`], after giving another thread the chance to go on.
async fn carried_later() -> String {
    yield_now().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    carried()
}

/// A request with a span, a foreign correlation id, a principal and baggage.
fn request(telemetry: &TestTelemetry) -> Context {
    let scope = InstrumentationScope::builder("test").build();
    let tracer = telemetry.providers().tracer(scope);
    let cx = tracer.start(&Context::new(), "request", SpanKind::Server, Vec::new);
    let cx = CorrelationId::parse("abc-123").unwrap().attach_to(&cx);
    let cx = Principal::new("ada").with_roles(["gold"]).attach_to(&cx);
    cx.with_baggage([KeyValue::new("tenant", "blue")])
}

fn runtimes() -> [(&'static str, Runtime); 2] {
    let build = |mut builder: Builder| builder.enable_all().build().unwrap();
    let mut many = Builder::new_multi_thread();
    many.worker_threads(2);
    [
        ("current_thread", build(Builder::new_current_thread())),
        ("multi_thread", build(many)),
    ]
}

/// The context of each way of doing work, when the work is wrapped as its documentation says.
async fn kept() -> BTreeMap<&'static str, String> {
    let mut set = JoinSet::new();
    set.spawn(carried_later().in_current_context());
    set.spawn_blocking(in_current_context(carried));
    let mut joined = set.join_all().await;

    let ticks = stream::once(carried_later()).chain(stream::once(carried_later()));
    let streamed = ticks.in_current_context();
    let streamed: Vec<_> = tokio::spawn(streamed.collect()).await.unwrap();

    let each = each_in_current_context(|()| carried());
    let called = move || (each(()), each(()));
    let (first, second) = std::thread::spawn(called).join().unwrap();

    let selected = tokio::select! {
        biased;
        () = std::future::pending() => unreachable!(),
        carried = carried_later() => carried,
    };
    let patience = Duration::from_secs(60);
    BTreeMap::from([
        (
            "spawn",
            tokio::spawn(carried_later().in_current_context())
                .await
                .unwrap(),
        ),
        (
            "spawn_blocking",
            spawn_blocking(in_current_context(carried)).await.unwrap(),
        ),
        ("JoinSet::spawn", joined.remove(0)),
        ("JoinSet::spawn_blocking", joined.remove(0)),
        ("stream, first item", streamed[0].clone()),
        ("stream, second item", streamed[1].clone()),
        (
            "thread",
            std::thread::spawn(in_current_context(carried))
                .join()
                .unwrap(),
        ),
        ("closure, first call", first),
        ("closure, second call", second),
        ("select!", selected),
        (
            "timeout",
            tokio::time::timeout(patience, carried_later())
                .await
                .unwrap(),
        ),
        ("join!", tokio::join!(carried_later(), yield_now()).0),
    ])
}

#[test]
fn every_way_of_doing_work_elsewhere_keeps_span_ids_principal_and_baggage() {
    for (flavour, runtime) in runtimes() {
        let telemetry = TestTelemetry::new();
        let cx = request(&telemetry);
        let expected = {
            let _attached = cx.clone().attach();
            carried()
        };
        assert!(
            expected.contains("abc-123") && expected.contains("gold"),
            "{expected}"
        );
        assert!(expected.contains("blue"), "{expected}");
        // On a worker thread, where nothing but the future's own context can be current.
        let kept = runtime.block_on(async { tokio::spawn(kept().with_context(cx)).await.unwrap() });
        for (way, carried) in kept {
            assert_eq!(carried, expected, "{way} on {flavour}");
        }
        let left = runtime.block_on(async { tokio::spawn(carried_later()).await.unwrap() });
        assert!(
            left.contains("None None None"),
            "left behind on {flavour}: {left}"
        );
    }
}

#[test]
fn what_is_not_wrapped_loses_it() {
    for (flavour, runtime) in runtimes() {
        let telemetry = TestTelemetry::new();
        let lost = async {
            [
                tokio::spawn(carried_later()).await.unwrap(),
                spawn_blocking(carried).await.unwrap(),
            ]
        };
        for lost in runtime.block_on(lost.with_context(request(&telemetry))) {
            assert!(lost.contains("None None None"), "{lost} on {flavour}");
        }
    }
}

#[test]
fn a_span_started_elsewhere_is_a_child_though_the_request_has_ended() {
    let telemetry = TestTelemetry::new();
    let cx = request(&telemetry);
    let tracer = telemetry
        .providers()
        .tracer(InstrumentationScope::builder("test").build());
    let work = {
        let _attached = cx.clone().attach();
        in_current_context(move || {
            let cx =
                Context::map_current(|cx| tracer.start(cx, "work", SpanKind::Internal, Vec::new));
            cx.span().end();
        })
    };
    cx.span().end();
    std::thread::spawn(work).join().unwrap();
    assert_eq!(telemetry.tree(&[]), "SERVER request\n  INTERNAL work\n");
}

#[test]
fn a_panic_leaves_no_context_behind() {
    let telemetry = TestTelemetry::new();
    let work = {
        let _attached = request(&telemetry).attach();
        in_current_context(|| std::panic::resume_unwind(Box::new("broken")))
    };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    assert!(caught.map(identity::<()>).is_err());
    assert!(carried().contains("None None None"));
}

/// Notes what its context carries when it is dropped.
struct Dropped(Arc<Mutex<String>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = carried();
    }
}

#[test]
fn what_is_dropped_before_its_end_is_dropped_in_its_context() {
    let telemetry = TestTelemetry::new();
    let _attached = request(&telemetry).attach();
    let (expected, seen) = (carried(), Arc::<Mutex<String>>::default());
    let held = |seen: &Arc<Mutex<String>>| {
        let held = Dropped(seen.clone());
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    };
    let mut future = Box::pin(held(&seen).in_current_context());
    let mut items = Box::pin(stream::once(held(&seen)).in_current_context());
    let never_polled = held(&seen).in_current_context();
    let _elsewhere = Context::new().attach();
    assert!((&mut future).now_or_never().is_none());
    assert!(items.next().now_or_never().is_none());
    let seen = |drop_it: &mut dyn FnMut()| {
        drop_it();
        std::mem::take(&mut *seen.lock().unwrap())
    };
    let mut future = Some(future);
    assert_eq!(seen(&mut || drop(future.take())), expected);
    let mut items = Some(items);
    assert_eq!(seen(&mut || drop(items.take())), expected);
    let mut never_polled = Some(never_polled);
    assert_eq!(seen(&mut || drop(never_polled.take())), expected);
}

#[test]
fn a_callback_and_its_future_run_in_the_context_of_the_handler() {
    let handshake = CorrelationId::parse("handshake").unwrap();
    let attached = handshake.clone().attach_to(&Context::new()).attach();
    let callback = callback_in_current_context(|socket: u32| {
        let in_closure = CorrelationId::current();
        async move { (socket, in_closure, CorrelationId::current()) }
    });
    drop(attached);
    assert_eq!(CorrelationId::current(), None);
    let seen = futures_util::FutureExt::now_or_never(callback(7)).unwrap();
    assert_eq!(seen, (7, Some(handshake.clone()), Some(handshake)));
}
