//! Tests that run on every database.

#[path = "pools.rs"]
mod pools;

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt, TryStreamExt};
use opentelemetry::trace::{SpanKind, Status};
use sqlx::{Acquire, Error, Executor, FromRow, Row};
use telemetry_api::instrument::scrape::ScrapeFormat;
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_sqlx::Pool;

use super::db::{self, Database};
use crate::recorded::{attribute, names, statement, statements, text};

const INSERT: &str = "INSERT INTO orders (id, item, number) VALUES (?, ?, ?)";

#[derive(Debug, FromRow)]
struct Order {
    id: i64,
    item: String,
}

/// A recorded pool with three orders. `None` if there is no server.
async fn pool(connections: u32, telemetry: &TestTelemetry) -> Option<Pool<Database>> {
    let pool = db::pool(connections).await?;
    for statement in [
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, item VARCHAR(50) NOT NULL UNIQUE, number BIGINT NOT NULL)",
        "INSERT INTO orders VALUES (1, 'lamp', 10), (2, 'desk', 20), (3, 'sofa', 30)",
    ] {
        sqlx::raw_sql(statement).execute(&pool).await.unwrap();
    }
    idle(&pool).await;
    Some(Pool::from(pool).with_providers(telemetry.providers().clone()))
}

/// Waits until all connections are returned, which other tasks do.
async fn idle(pool: &sqlx::Pool<Database>) {
    while pool.num_idle() == 0 || pool.size() as usize > pool.num_idle() {
        tokio::task::yield_now().await;
    }
}

async fn count<'e>(executor: impl Executor<'e, Database = Database>) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(executor);
    count.await.unwrap()
}

async fn count_twice<'a>(acquire: impl Acquire<'a, Database = Database>) -> i64 {
    let mut connection = acquire.acquire().await.unwrap();
    count(&mut *connection).await + count(&mut *connection).await
}

async fn count_in_transaction<'a>(acquire: impl Acquire<'a, Database = Database>) -> i64 {
    let mut tx = acquire.begin().await.unwrap();
    let counted = count(&mut *tx).await;
    tx.commit().await.unwrap();
    counted
}

macro_rules! every_call {
    ($executor:expr) => {{
        let one = || db::sql("SELECT id, item FROM orders WHERE id = ?");
        let all = "SELECT id, item FROM orders ORDER BY id";
        let row = sqlx::query(one())
            .bind(1_i64)
            .fetch_one($executor)
            .await
            .unwrap();
        assert_eq!(row.get::<i64, _>("id"), 1);
        assert!(
            sqlx::query(one())
                .bind(9_i64)
                .fetch_optional($executor)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(
            sqlx::query(all).fetch_all($executor).await.unwrap().len(),
            3
        );
        assert_eq!(sqlx::query(all).fetch($executor).count().await, 3);
        let orders: Vec<Order> = sqlx::query_as(all)
            .fetch($executor)
            .try_collect()
            .await
            .unwrap();
        assert_eq!((orders[1].id, &*orders[1].item), (2, "desk"));
        let update = db::sql("UPDATE orders SET number = ? WHERE id < ?");
        let done = sqlx::query(update)
            .bind(11_i64)
            .bind(3_i64)
            .execute($executor)
            .await;
        assert_eq!(done.unwrap().rows_affected(), 2);
        assert_eq!(count($executor).await, 3);
        sqlx::raw_sql("UPDATE orders SET number = 12 WHERE id = 1")
            .execute($executor)
            .await
            .unwrap();
        let mut built = sqlx::QueryBuilder::<Database>::new("SELECT id FROM orders WHERE id = ");
        assert!(
            built
                .push_bind(3_i64)
                .build()
                .fetch_optional($executor)
                .await
                .unwrap()
                .is_some()
        );
        let missing = sqlx::query(one()).bind(9_i64).fetch_one($executor).await;
        assert!(matches!(missing, Err(Error::RowNotFound)));
    }};
}

const CALLS: [(&str, &str, &str); 10] = [
    ("SELECT orders", "1", ""),
    ("SELECT orders", "0", ""),
    ("SELECT orders", "3", ""),
    ("SELECT orders", "3", ""),
    ("SELECT orders", "3", ""),
    ("UPDATE orders", "", "2"),
    ("SELECT orders", "1", ""),
    ("UPDATE orders", "", "1"),
    ("SELECT orders", "1", ""),
    ("SELECT orders", "0", ""),
];

#[track_caller]
fn assert_every_call(telemetry: &TestTelemetry, times: usize) {
    let spans = statements(telemetry);
    let spans = spans
        .iter()
        .filter(|span| !["BEGIN", "COMMIT"].contains(&&*span.name));
    let seen: Vec<_> = spans
        .map(|span| {
            assert_eq!(text(span, "db.system.name"), db::SYSTEM);
            assert_eq!(span.status, Status::Unset);
            let returned = text(span, "db.response.returned_rows");
            (
                span.name.to_string(),
                returned,
                text(span, "sqlx.rows_affected"),
            )
        })
        .collect();
    let expected: Vec<_> = CALLS
        .iter()
        .map(|(name, returned, affected)| {
            (name.to_string(), returned.to_string(), affected.to_string())
        })
        .collect();
    assert_eq!(seen, vec![expected; times].concat());
}

#[tokio::test]
async fn call_sites_are_unchanged_on_a_pool() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(2, &telemetry).await else {
        return;
    };
    every_call!(&pool);
    assert_every_call(&telemetry, 1);
}

#[tokio::test]
async fn call_sites_are_unchanged_on_a_connection_and_in_a_transaction() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let mut connection = pool.acquire().await.unwrap();
    every_call!(&mut *connection);
    every_call!(&mut connection);
    let mut tx = connection.begin().await.unwrap();
    every_call!(&mut *tx);
    every_call!(&mut tx);
    tx.commit().await.unwrap();
    assert_every_call(&telemetry, 4);
}

#[tokio::test]
async fn functions_generic_over_executor_and_acquire_work() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    assert_eq!(count(&pool).await, 3);
    assert_eq!(count_twice(&pool).await, 6);
    assert_eq!(count_in_transaction(&pool).await, 3);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(count(&mut connection).await, 3);
    assert_eq!(count_twice(&mut connection).await, 6);
    let mut tx = connection.begin().await.unwrap();
    assert_eq!(count(&mut *tx).await, 3);
    assert_eq!(count_in_transaction(&mut tx).await, 3);
}

#[tokio::test]
async fn a_span_tells_database_and_server() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let select = sqlx::query(db::sql(
        "SELECT item FROM orders WHERE id = ? AND item <> 'secret'",
    ));
    select.bind(1_i64).fetch_all(&pool).await.unwrap();
    let span = statement(&telemetry);
    let facts = pool.facts();
    assert_eq!(span.span_kind, SpanKind::Client);
    assert_eq!(
        text(&span, "db.namespace"),
        facts.namespace.as_deref().unwrap()
    );
    assert_eq!(
        text(&span, "server.address"),
        facts.server_address.as_deref().unwrap_or_default()
    );
    let port = facts.server_port.map(|port| i64::from(port).into());
    assert_eq!(attribute(&span, "server.port"), port);
    // A value is bound, so the text is shown as written.
    assert!(text(&span, "db.query.text").contains("'secret'"));
}

#[tokio::test]
async fn a_stream_dropped_half_way_ends_its_span_and_frees_the_connection() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
    rows.next().await.unwrap().unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    let span = statement(&telemetry);
    assert_eq!(
        attribute(&span, "db.response.returned_rows"),
        Some(2.into())
    );
    assert_eq!(
        (attribute(&span, "error.type"), &span.status),
        (None, &Status::Unset)
    );
    assert_eq!(count(&pool).await, 3);
}

#[tokio::test]
async fn an_error_in_mid_stream_marks_its_own_span() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let mut rows = sqlx::query(db::FAILS_IN_MID_STREAM).fetch(&pool);
    assert!(rows.next().await.unwrap().is_ok());
    assert!(rows.next().await.unwrap().is_ok());
    let error = rows.next().await.unwrap().map(drop).unwrap_err();
    assert!(error.as_database_error().is_some());
    drop(rows);
    let span = statement(&telemetry);
    assert_eq!(
        attribute(&span, "db.response.returned_rows"),
        Some(2.into())
    );
    assert_eq!(text(&span, "error.type"), db::MID_STREAM_ERROR);
    assert_eq!(text(&span, "db.response.status_code"), db::MID_STREAM_ERROR);
    assert!(matches!(span.status, Status::Error { .. }));
}

#[tokio::test]
async fn a_violated_constraint_is_its_code_and_shows_no_value() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let insert = sqlx::query(db::sql(INSERT))
        .bind(4_i64)
        .bind("lamp")
        .bind(1_i64);
    let error = insert.execute(&pool).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation());
    let span = statement(&telemetry);
    assert_eq!(text(&span, "error.type"), db::UNIQUE_VIOLATION);
    assert_eq!(text(&span, "db.response.status_code"), db::UNIQUE_VIOLATION);
    assert_eq!(span.status, Status::error(db::UNIQUE_MESSAGE));
    assert!(!format!("{span:?}").contains("lamp"), "{span:?}");
}

#[tokio::test]
async fn a_syntax_error_does_not_quote_the_text() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let wrong = sqlx::query("SELECT item FROM orders WHERE FROM 'secret'");
    assert!(wrong.fetch_all(&pool).await.is_err());
    let span = statement(&telemetry);
    assert_eq!(text(&span, "error.type"), db::SYNTAX_ERROR);
    assert_eq!(span.status, Status::error("syntax error"));
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
}

#[tokio::test]
async fn a_statement_is_not_logged_a_second_time() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = db::pool(1).await else {
        return;
    };
    let log = crate::logs::StatementLog::new();
    let select = || sqlx::query(log.statement());
    select().execute(&pool).await.unwrap();
    // This is the text that the log is searched for.
    assert_eq!(log.logged().await.len(), 1);
    let pool = Pool::from(pool).with_providers(telemetry.providers().clone());
    // A connection that is open already keeps its log.
    let connection = pool.inner().acquire().await.unwrap();
    connection.close().await.unwrap();
    select().execute(&pool).await.unwrap();
    assert_eq!(statement(&telemetry).name, "SELECT");
    pool.close().await;
    assert_eq!(log.lines().len(), 1);
}

#[tokio::test]
async fn savepoints_nest() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let insert = |id: i64| {
        sqlx::query(db::sql(INSERT))
            .bind(id)
            .bind(format!("item {id}"))
            .bind(0_i64)
    };
    let mut tx = pool.begin().await.unwrap();
    let mut outer = tx.begin().await.unwrap();
    insert(4).execute(&mut outer).await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    insert(5).execute(&mut *inner).await.unwrap();
    inner.rollback().await.unwrap();
    outer.commit().await.unwrap();
    drop(tx.begin().await.unwrap());
    tx.commit().await.unwrap();
    let spans = statements(&telemetry);
    let texts: Vec<_> = spans
        .iter()
        .map(|span| text(span, "db.query.text"))
        .collect();
    let texts: Vec<_> = texts
        .iter()
        .map(|text| text.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "BEGIN",
            "SAVEPOINT",
            "INSERT",
            "SAVEPOINT",
            "INSERT",
            "ROLLBACK",
            "RELEASE",
            "SAVEPOINT",
            "ROLLBACK",
            "COMMIT"
        ]
    );
    idle(pool.inner()).await;
    assert_eq!(count(pool.inner()).await, 4);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_says_so() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let mut tx = pool.begin().await.unwrap();
    let insert = sqlx::query(db::sql(INSERT))
        .bind(4_i64)
        .bind("vase")
        .bind(0_i64);
    insert.execute(&mut tx).await.unwrap();
    drop(tx);
    let spans = statements(&telemetry);
    assert_eq!(names(&spans), ["BEGIN", "INSERT orders", "ROLLBACK"]);
    assert_eq!(
        attribute(&spans[2], "sqlx.transaction.dropped"),
        Some(true.into())
    );
    assert_eq!(count(pool.inner()).await, 3);
}

#[tokio::test]
async fn migrations_run_on_the_pool() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    sqlx::migrate!("tests/migrations").run(&pool).await.unwrap();
    let insert = sqlx::query("INSERT INTO parcels VALUES (1, 2.5)")
        .execute(&pool)
        .await;
    assert_eq!(insert.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_slow_statement_is_logged_with_its_ids_and_marked() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let logs = crate::logs::Logs::default();
    let _logging = logs.install();
    // A machine under load exceeds the default threshold.
    let patient = pool.clone().with_slow_threshold(Duration::from_secs(3600));
    sqlx::query(db::SLOW).fetch_all(&patient).await.unwrap();
    let never = pool.clone().with_slow_threshold(None);
    sqlx::query(db::SLOW).fetch_all(&never).await.unwrap();
    assert_eq!(logs.lines(), [""; 0]);
    let pool = pool.with_slow_threshold(Duration::from_millis(1));
    sqlx::query(db::SLOW).fetch_all(&pool).await.unwrap();
    let spans = statements(&telemetry);
    let marks: Vec<_> = spans
        .iter()
        .map(|span| attribute(span, "telemetry.slow_query"))
        .collect();
    assert_eq!(marks, [None, None, Some(true.into())]);
    let [line] = &*logs.lines() else {
        panic!("{:?}", logs.lines())
    };
    let context = &spans[2].span_context;
    assert!(
        line.contains(&format!("{} {}", context.trace_id(), context.span_id())),
        "{line}"
    );
    assert!(
        line.starts_with("WARN ") && line.contains("slow query") && line.contains("rows=1"),
        "{line}"
    );
    assert!(
        line.contains(&format!("db.query.summary={}", spans[2].name)),
        "{line}"
    );
}

#[tokio::test]
async fn a_comment_tells_the_database_of_the_trace() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(2, &telemetry).await else {
        return;
    };
    let pool = pool.with_sqlcommenter();
    every_call!(&pool);
    let mut connection = pool.acquire().await.unwrap();
    every_call!(&mut connection);
    assert_every_call(&telemetry, 2);
    let shown = format!("{:?}", statements(&telemetry));
    assert!(!shown.contains("traceparent"), "{shown}");
}

#[tokio::test]
async fn the_driver_is_given_the_comment() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    // The pool was connected before it was wrapped, so the driver still logs its statements.
    let log = crate::logs::StatementLog::new();
    let pool = pool.with_sqlcommenter();
    let select = sqlx::query(log.statement());
    select.execute(&pool).await.unwrap();
    let span = statement(&telemetry).span_context;
    let (trace, id) = (span.trace_id(), span.span_id());
    let lines = log.logged().await;
    let comment = format!("{} /*traceparent='00-{trace}-{id}-01'*/", log.text());
    assert!(
        lines.len() == 1 && lines[0].contains(&comment),
        "{comment}: {lines:?}"
    );
}

#[tokio::test]
async fn returned_rows_are_measured_on_demand() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    count(&pool).await;
    assert!(
        !telemetry.metrics().contains("returned_rows"),
        "{}",
        telemetry.metrics()
    );
    let pool = pool.with_returned_rows();
    sqlx::query("SELECT item FROM orders")
        .fetch_all(&pool)
        .await
        .unwrap();
    let metrics = telemetry.metrics();
    let sum = metrics
        .lines()
        .find(|line| line.starts_with("db_client_response_returned_rows_sum"));
    assert!(sum.is_some_and(|line| line.ends_with(" 3")), "{metrics}");
}

#[tokio::test]
async fn a_duration_has_the_span_of_its_statement_as_exemplar() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    count(&pool).await;
    let span = statement(&telemetry).span_context;
    let text = telemetry
        .providers()
        .scrape(ScrapeFormat::OpenMetrics)
        .unwrap();
    let ids = [span.trace_id().to_string(), span.span_id().to_string()];
    assert!(
        text.lines().any(|line| {
            line.starts_with("db_client_operation_duration_seconds_bucket")
                && ids.iter().all(|id| line.contains(id))
        }),
        "{text}"
    );
}
