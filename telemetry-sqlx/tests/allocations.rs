//! Counts the allocations of a call beyond plain sqlx, on the thread of the caller. It is a binary by itself, because it
//! replaces the allocator.

// Clippy's `allow-*-in-tests` covers test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::panic)]

use allocation_counter::measure;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use sqlx::{
    ConnectOptions, Executor, Sqlite, sqlite::SqliteConnectOptions, sqlite::SqlitePoolOptions,
};
use telemetry_pipeline::testing::unsent;
use telemetry_sqlx::SqlitePool;

const CALLS: u64 = 100;
const ROUNDS: u64 = 100;

/// The span of a request to this process.
fn request(flags: TraceFlags) -> Context {
    let (trace, span) = (TraceId::from(1), SpanId::from(1));
    let span = SpanContext::new(trace, span, flags, false, TraceState::NONE);
    Context::new().with_remote_span_context(span)
}

async fn select<'e>(executor: impl Executor<'e, Database = Sqlite>) -> i64 {
    let select = sqlx::query_scalar("SELECT 7 WHERE 1 = ?").bind(1);
    select.fetch_one(executor).await.unwrap()
}

/// The allocations of the call with the fewest. The driver's channel allocates too if its thread is late.
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
        let calls = (0..CALLS).map(|_| measure(|| run(1)).count_total);
        calls.min().unwrap_or_default()
    }};
}

#[test]
fn a_call_on_a_connection_keeps_to_its_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // A task returns a dropped connection.
    let _entered = runtime.enter();
    let pool = runtime.block_on(async {
        let options: SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options.disable_statement_logging());
        pool.await.unwrap()
    });
    let telemetry = unsent().build().unwrap();
    let recorded = telemetry.providers();
    let mut fewest = [u64::MAX; 4];
    let variants = [
        (TraceFlags::SAMPLED, false),
        (TraceFlags::NOT_SAMPLED, true),
        (TraceFlags::SAMPLED, true),
    ];
    // Without a pipeline: the box around the driver's future. Unsampled: also the context with the id of the call. Sampled: the
    // box, the context of the span, the span, its record and its attributes.
    let budgets = [1, 2, 5];
    // The variants take turns, and repeat if the driver was late. A round within the budget is enough.
    for _ in 0..ROUNDS {
        {
            let mut connection = runtime.block_on(pool.acquire()).unwrap();
            let counted = allocations!(runtime, &mut *connection);
            fewest[3] = fewest[3].min(counted);
        }
        for (fewest, (flags, is_recorded)) in fewest.iter_mut().zip(variants) {
            let _request = request(flags).attach();
            let mut pool = SqlitePool::from(pool.clone());
            if is_recorded {
                pool = pool.with_providers(recorded.clone());
            }
            let mut connection = runtime.block_on(pool.acquire()).unwrap();
            *fewest = (*fewest).min(allocations!(runtime, &mut *connection));
        }
        let [without, unsampled, sampled, plain] = fewest;
        let seen = [without, unsampled, sampled].map(|counted| counted.saturating_sub(plain));
        if seen
            .iter()
            .zip(budgets)
            .all(|(seen, budget)| *seen <= budget)
        {
            return;
        }
    }
    panic!("more than {budgets:?} beyond plain sqlx, the last: {fewest:?}");
}
