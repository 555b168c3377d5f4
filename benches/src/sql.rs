//! One statement on SQLite in memory, through a pool. The driver works on a thread of its own, which is not counted.

use std::hint::black_box;

use sqlx::{
    ConnectOptions, Executor, Sqlite, sqlite::SqliteConnectOptions, sqlite::SqlitePoolOptions,
};
use sqlx_otel::{PoolBuilder, QueryAnnotateExt as _};
use telemetry_sqlx::SqlitePool;

use crate::{
    client::parent,
    measure::{Measure, runtime},
    ours,
    sdk::{current, previous},
};

pub const VARIANTS: &[(&str, &str)] = &[
    ("bare", "sqlx alone"),
    ("disabled", "**ours**, telemetry disabled"),
    ("ours", "**ours**"),
    (
        "ours-pipeline",
        "**ours**, exporting over OTLP as `bootstrap` sets it up",
    ),
    ("sqlx-otel", "sqlx-otel"),
    (
        "sqlx-otel-annotated",
        "sqlx-otel, each statement annotated by hand",
    ),
];

const STATEMENT: &str = "SELECT price FROM products WHERE id = ?";

async fn price<'e>(executor: impl Executor<'e, Database = Sqlite>, id: i64) -> i64 {
    sqlx::query_scalar(STATEMENT)
        .bind(id)
        .fetch_one(executor)
        .await
        .expect("a price")
}

async fn connect() -> sqlx::SqlitePool {
    let options: SqliteConnectOptions = "sqlite::memory:".parse().expect("options");
    let pool = SqlitePoolOptions::new()
        // The next call finds one idle while the last is still on its way back.
        .max_connections(4)
        .min_connections(4)
        .connect_with(options.disable_statement_logging())
        .await
        .expect("a pool");
    let setup = "CREATE TABLE products (id INTEGER PRIMARY KEY, price INTEGER NOT NULL);
        INSERT INTO products VALUES (1, 10), (2, 20), (3, 30), (4, 40);";
    sqlx::raw_sql(setup)
        .execute(&pool)
        .await
        .expect("the table");
    pool
}

pub fn run(variant: &str, sampled: bool, measure: Measure) -> Option<bool> {
    let records = measure == Measure::Records;
    let (current, previous) = (current::Sdk::new(records), previous::Sdk::new(records));
    current.install();
    previous.install();
    let runtime = runtime();
    let plain = runtime.block_on(connect());
    let _context = parent(sampled).attach();
    let _previous = {
        use opentelemetry_032::trace::{
            SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
        };
        let flags = if sampled {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        };
        let parent = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(1),
            flags,
            false,
            TraceState::NONE,
        );
        opentelemetry_032::Context::new()
            .with_remote_span_context(parent)
            .attach()
    };
    let mut id = 0;
    let mut next = move || {
        id = id % 4 + 1;
        id
    };
    let mut pipeline = None;
    match variant {
        "bare" => measure.drive(&runtime, async || {
            black_box(price(&plain, next()).await);
        }),
        "disabled" | "ours" | "ours-pipeline" => {
            let _enter = runtime.enter();
            let pool = SqlitePool::from(plain);
            let pool = match ours::of(variant, &current) {
                Some((providers, own)) => {
                    pipeline = own;
                    pool.with_providers(providers)
                }
                None => pool,
            };
            measure.drive(&runtime, async || {
                black_box(price(&pool, next()).await);
            });
        }
        "sqlx-otel" => {
            let pool = PoolBuilder::from(plain).build();
            measure.drive(&runtime, async || {
                black_box(price(&pool, next()).await);
            });
        }
        "sqlx-otel-annotated" => {
            let pool = PoolBuilder::from(plain).build();
            measure.drive(&runtime, async || {
                let query = sqlx::query_scalar::<_, i64>(STATEMENT).bind(next());
                let price = query
                    .with_operation("SELECT", "products")
                    .fetch_one(&pool)
                    .await;
                black_box(price.expect("a price"));
            });
        }
        _ => return None,
    }
    if records {
        print!("{}{}", current.recorded(), previous.recorded());
    }
    Some(ours::finish(pipeline.as_ref()))
}
