//! The attributes of a span, and the moments when it starts and ends.

use std::collections::BTreeMap;

use futures_util::{FutureExt as _, StreamExt, TryStreamExt};
use opentelemetry::{
    Context, Value,
    trace::{FutureExt as _, SpanKind, Status, TraceContextExt},
};
use sqlx::Executor;

use crate::support::{Recorded, SLOW, attribute, attributes, names};

#[tokio::test]
async fn a_parameterised_statement_is_shown_as_written() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    sqlx::query("SELECT item FROM orders WHERE id = ? AND number = 10")
        .bind(1)
        .fetch_all(&pool)
        .await
        .unwrap();
    let span = recorded.statement();
    assert_eq!(
        (&*span.name, span.span_kind.clone(), &span.status),
        ("SELECT orders", SpanKind::Client, &Status::Unset)
    );
    assert_eq!(span.instrumentation_scope.name(), "telemetry-sqlx");
    let expected: BTreeMap<&str, Value> = BTreeMap::from([
        ("db.system.name", "sqlite".into()),
        ("db.namespace", ":memory:".into()),
        ("db.query.summary", "SELECT orders".into()),
        (
            "db.query.text",
            "SELECT item FROM orders WHERE id = ? AND number = 10".into(),
        ),
        ("db.response.returned_rows", 1.into()),
    ]);
    assert_eq!(attributes(&span), expected);
}

#[tokio::test]
async fn literals_are_in_neither_text_nor_name() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let sql = "INSERT INTO orders VALUES (4711, 'secret', 0xCAFE)";
    pool.execute(sql).await.unwrap();
    sqlx::query("DELETE FROM orders WHERE item = 'secret' OR id = 4711")
        .execute(&pool)
        .await
        .unwrap();
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["INSERT orders", "DELETE orders"]);
    assert_eq!(
        attribute(&spans[0], "db.query.text"),
        Some("INSERT INTO orders VALUES (?, ?, ?)".into())
    );
    for span in &spans {
        let shown = format!("{span:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("4711") && !shown.contains("CAFE"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn what_sqlite_may_read_as_a_string_is_not_shown() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    // There is no such column, so it is a string.
    let select = sqlx::query("SELECT id FROM orders WHERE item = \"lamp\"");
    assert_eq!(select.fetch_all(&pool).await.unwrap().len(), 1);
    assert_eq!(
        attribute(&recorded.statement(), "db.query.text"),
        Some("SELECT id FROM orders WHERE item = ?".into())
    );
}

#[tokio::test]
async fn the_rows_changed_are_those_of_the_statement_behind_with() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let some = "WITH some AS (SELECT 2 AS id)";
    for (sql, affected) in [
        (
            format!("{some} UPDATE orders SET number = 1 WHERE id >= (SELECT id FROM some)"),
            Some(2.into()),
        ),
        // SQLite still returns the number of the statement before.
        (format!("{some} SELECT * FROM some"), None),
        (
            format!("{some} DELETE FROM orders WHERE id = (SELECT id FROM some)"),
            Some(1.into()),
        ),
    ] {
        let sql = sqlx::AssertSqlSafe(sql);
        sqlx::query(sql).execute(&pool).await.unwrap();
        let span = recorded.statements().pop().unwrap();
        assert_eq!(attribute(&span, "sqlx.rows_affected"), affected);
    }
}

#[tokio::test]
async fn the_parent_is_what_is_current_when_the_call_is_first_polled() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let request = recorded.request();
    let call = sqlx::query("SELECT item FROM orders").fetch_all(&pool);
    call.with_context(request.clone()).await.unwrap();
    let span = recorded.statement();
    assert_eq!(span.parent_span_id, request.span().span_context().span_id());
    assert_eq!(
        span.span_context.trace_id(),
        request.span().span_context().trace_id()
    );
}

#[tokio::test]
async fn a_call_that_is_never_polled_leaves_no_trace() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    drop((&pool).execute("DELETE FROM orders"));
    drop((&pool).fetch("SELECT * FROM orders"));
    assert!(recorded.all().is_empty());
    assert!(recorded.durations().is_empty());
}

#[tokio::test]
async fn a_stream_is_one_span_until_its_end() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
    while rows.try_next().await.unwrap().is_some() {
        assert!(recorded.statements().is_empty());
    }
    assert_eq!(
        attribute(&recorded.statement(), "db.response.returned_rows"),
        Some(3.into())
    );
    drop(rows);
    recorded.statement();
}

#[tokio::test]
async fn a_stream_dropped_half_way_ends_its_span_with_the_rows_so_far() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut connection = pool.acquire().await.unwrap();
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&mut *connection);
    rows.next().await.unwrap().unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    let span = recorded.statement();
    assert_eq!(
        attribute(&span, "db.response.returned_rows"),
        Some(2.into())
    );
    assert_eq!(
        (attribute(&span, "error.type"), &span.status),
        (None, &Status::Unset)
    );
}

#[tokio::test]
async fn a_call_dropped_while_it_waits_is_cancelled() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut connection = pool.acquire().await.unwrap();
    assert!(
        sqlx::query(SLOW)
            .fetch_all(&mut connection)
            .now_or_never()
            .is_none()
    );
    let mut rows = sqlx::query(SLOW).fetch(&mut connection);
    assert!(rows.next().now_or_never().is_none());
    drop(rows);
    let spans = recorded.statements();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert_eq!(
            attribute(span, "telemetry.outcome"),
            Some("cancelled".into())
        );
        assert_eq!(
            (attribute(span, "error.type"), &span.status),
            (None, &Status::Unset)
        );
    }
    assert_eq!(recorded.durations()[0].1, 2);
}

#[tokio::test]
async fn nothing_stays_current_after_a_call() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
    rows.next().await.unwrap().unwrap();
    assert!(!Context::current().has_active_span());
}

#[tokio::test]
async fn the_file_names_the_database() {
    let recorded = Recorded::new();
    let path = std::env::temp_dir().join(format!("telemetry-sqlx-{}.db", std::process::id()));
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = telemetry_sqlx::SqlitePool::connect_with(options)
        .await
        .unwrap();
    let pool = pool.with_providers(recorded.providers.clone());
    sqlx::query("CREATE TABLE parcels (id INTEGER)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    std::fs::remove_file(&path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(
        attribute(&recorded.statement(), "db.namespace"),
        Some(name.into())
    );
}

#[tokio::test]
async fn a_pool_made_before_the_pipeline_records_through_it() {
    let recorded = Recorded::new();
    let pool = crate::support::unrecorded_pool().await;
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    let _current = recorded.providers.set_default();
    sqlx::query("SELECT item FROM orders")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(recorded.statement().name, "SELECT orders");
}
