//! How often a call allocates beyond plain sqlx, on the thread of the caller. A binary of its own, for it brings an
//! allocator along.

// Clippy knows test functions, not their helpers.
#![allow(clippy::unwrap_used)]

use allocation_counter::measure;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use sqlx::{
    ConnectOptions, Executor, Sqlite, sqlite::SqliteConnectOptions, sqlite::SqlitePoolOptions,
};
use telemetry_core::Providers;
use telemetry_sqlx::SqlitePool;

const CALLS: u64 = 50;

fn request(flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(1), SpanId::from(1));
    let span = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(span)
}

fn providers() -> Providers {
    let tracers = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let meters = opentelemetry_sdk::metrics::SdkMeterProvider::builder()
        .with_reader(opentelemetry_sdk::metrics::ManualReader::builder().build())
        .build();
    Providers::builder(tracers, std::sync::Arc::new(meters))
        .with_sampling_hint(telemetry_core::tracer::SamplingHint {
            reads_attributes: false,
            records_roots: true,
        })
        .build()
}

async fn select<'e>(executor: impl Executor<'e, Database = Sqlite>) -> i64 {
    let select = sqlx::query_scalar("SELECT 7 WHERE 1 = ?").bind(1);
    select.fetch_one(executor).await.unwrap()
}

/// Allocations of one call, rounded, in the best of some rounds: the runtime and the driver's channels allocate too, the
/// more the longer they have to wait for each other.
macro_rules! allocations {
    ($runtime:expr, $executor:expr) => {{
        let mut run = |calls: u64| {
            $runtime.block_on(async {
                for _ in 0..calls {
                    select($executor).await;
                }
            })
        };
        // The first calls prepare the statement and bind the series.
        run(20);
        let rounds = (0..20).map(|_| measure(|| run(CALLS)).count_total);
        (rounds.min().unwrap_or_default() + CALLS / 2) / CALLS
    }};
}

#[test]
fn a_call_on_a_connection_keeps_to_its_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // A connection that is dropped goes back in a task.
    let _entered = runtime.enter();
    let pool = runtime.block_on(async {
        let options: SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options.disable_statement_logging());
        pool.await.unwrap()
    });
    let plain = {
        let mut connection = runtime.block_on(pool.acquire()).unwrap();
        allocations!(runtime, &mut *connection)
    };
    let mut seen = Vec::new();
    for (flags, providers) in [
        (TraceFlags::SAMPLED, None),
        (TraceFlags::NOT_SAMPLED, Some(providers())),
        (TraceFlags::SAMPLED, Some(providers())),
    ] {
        let _request = request(flags).attach();
        let mut pool = SqlitePool::from(pool.clone());
        if let Some(providers) = providers {
            pool = pool.with_providers(providers);
        }
        let mut connection = runtime.block_on(pool.acquire()).unwrap();
        seen.push(allocations!(runtime, &mut *connection).saturating_sub(plain));
    }
    // The box around the driver's. Unsampled: the context of the span and the span in it. Sampled: its attributes. One
    // more each, for the driver's channel allocates when its thread is late.
    for (name, budget, counted) in [
        ("without a pipeline", 1, seen[0]),
        ("unsampled", 3, seen[1]),
        ("sampled", 4, seen[2]),
    ] {
        assert!(
            counted <= budget + 1,
            "{name}: {counted} of {seen:?} beside {plain}"
        );
    }
}
