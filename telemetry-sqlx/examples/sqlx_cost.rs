//! Measures the cost of a call. It runs one statement many times; the difference of two counts is the cost of one.
//!
//! ```text
//! cargo build --profile cost -p telemetry-sqlx --example sqlx_cost
//! for n in 2000 4000; do
//!     valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file=/tmp/cost.$n \
//!         target/cost/examples/sqlx_cost pool sampled $n
//! done
//! ```
//!
//! Read the figure of the first thread: the driver of SQLite works on another one. How often a call is polled depends on
//! that thread, so differences of whole runs vary. `benches/sql-cost` subtracts the cost of sqlx inside the call, and
//! its figure is stable. The first argument is `pool` or `connection`. The second is `plain`, `disabled`, `unsampled`,
//! `sampled` or `commented`, whose cost is in the database: compare times. The parent span is one of this process, as in
//! a service. With `unsampled-remote` the parent span is of another process.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use sqlx::{
    ConnectOptions, Executor, Sqlite, sqlite::SqliteConnectOptions, sqlite::SqlitePoolOptions,
};
use telemetry_pipeline::testing::unsent;
use telemetry_sqlx::SqlitePool;

/// The context of the request that runs the statements.
fn request(sampled: bool, is_remote: bool) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        if sampled {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::NOT_SAMPLED
        },
        is_remote,
        TraceState::NONE,
    ))
}

async fn price<'e>(executor: impl Executor<'e, Database = Sqlite>, id: i64) -> i64 {
    sqlx::query_scalar("SELECT price FROM products WHERE id = ?")
        .bind(id)
        .fetch_one(executor)
        .await
        .unwrap()
}

async fn connect() -> sqlx::SqlitePool {
    let options: SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
    let pool = SqlitePoolOptions::new()
        // With fewer connections a call would often wait while the connections of earlier calls are being returned.
        .max_connections(16)
        .min_connections(16)
        .connect_with(options.disable_statement_logging())
        .await
        .unwrap();
    let setup = "CREATE TABLE products (id INTEGER PRIMARY KEY, price INTEGER NOT NULL);
        INSERT INTO products VALUES (1, 10), (2, 20), (3, 30), (4, 40);";
    sqlx::raw_sql(setup).execute(&pool).await.unwrap();
    pool
}

async fn run(on: &str, variant: &str, count: i64) -> i64 {
    let plain = connect().await;
    let mut sum = 0;
    if variant == "plain" {
        if on == "pool" {
            for n in 0..count {
                sum += price(&plain, 1 + n % 4).await;
            }
        } else {
            let mut connection = plain.acquire().await.unwrap();
            for n in 0..count {
                sum += price(&mut *connection, 1 + n % 4).await;
            }
        }
        return sum;
    }
    let pool = SqlitePool::from(plain);
    let telemetry = unsent().build().unwrap();
    let providers = telemetry.providers().clone();
    let pool = match variant {
        "disabled" => pool,
        "commented" => pool.with_providers(providers).with_sqlcommenter(),
        _ => pool.with_providers(providers),
    };
    if on == "pool" {
        for n in 0..count {
            sum += price(&pool, 1 + n % 4).await;
        }
    } else {
        let mut connection = pool.acquire().await.unwrap();
        for n in 0..count {
            sum += price(&mut *connection, 1 + n % 4).await;
        }
    }
    sum
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, on, variant, count] = &*arguments else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let sampled = !variant.starts_with("unsampled");
    let _request = request(sampled, variant == "unsampled-remote").attach();
    black_box(runtime.block_on(run(on, variant, count.parse().unwrap())));
}
