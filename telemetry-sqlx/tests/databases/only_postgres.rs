//! Tests for PostgreSQL only.

use sqlx::{Executor, postgres::PgListener};
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_sqlx::PgPool;

use super::db;
use crate::recorded::{names, statements, text};

async fn pool(telemetry: &TestTelemetry) -> Option<PgPool> {
    let pool = PgPool::from(db::pool(2).await?).with_providers(telemetry.providers().clone());
    let create = "CREATE TABLE orders (id BIGINT PRIMARY KEY, item TEXT NOT NULL)";
    pool.inner().execute(create).await.unwrap();
    Some(pool)
}

#[tokio::test]
async fn listening_goes_through_the_pool_inside() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    let mut listener = PgListener::connect_with(pool.inner()).await.unwrap();
    listener.listen("telemetry_orders").await.unwrap();
    let notify = sqlx::query("SELECT pg_notify('telemetry_orders', $1)").bind("7");
    notify.execute(&pool).await.unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "7");
    assert_eq!(names(&statements(&telemetry)), ["SELECT"]);
}

#[tokio::test]
async fn copying_goes_through_the_connection_inside() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    let mut connection = pool.acquire().await.unwrap();
    let copy = connection
        .inner_mut()
        .copy_in_raw("COPY orders (id, item) FROM STDIN WITH (FORMAT csv)");
    let mut copy = copy.await.unwrap();
    copy.send(&b"1,lamp\n2,desk\n"[..]).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 2);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(count, 2);
}

#[tokio::test]
async fn the_comment_is_what_the_server_sees() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    let mut connection = pool.with_sqlcommenter().acquire().await.unwrap();
    let seen: String = sqlx::query_scalar(
        "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid() AND 1 = $1",
    )
    .bind(1)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let span = statements(&telemetry).remove(0);
    let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
    assert!(
        seen.ends_with(&format!(" /*traceparent='00-{trace}-{id}-01'*/")),
        "{seen}"
    );
    let cached: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT query %'",
    )
    .fetch_one(connection.inner_mut())
    .await
    .unwrap();
    assert_eq!(cached, 0);
}

#[tokio::test]
async fn the_rows_changed_are_those_of_the_statement_behind_with() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    for (sql, affected) in [
        (
            "INSERT INTO orders VALUES (1, 'a'), (2, 'b'), (3, 'c')",
            "3",
        ),
        (
            "WITH chosen AS (SELECT 2 AS id) UPDATE orders SET item = 'd' WHERE id >= (SELECT id FROM chosen)",
            "2",
        ),
        // PostgreSQL counts the returned row.
        (
            "WITH gone AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM gone",
            "",
        ),
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
        let span = statements(&telemetry).pop().unwrap();
        assert_eq!(text(&span, "sqlx.rows_affected"), affected, "{sql}");
    }
}

#[tokio::test]
async fn what_a_function_raises_is_not_shown() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    let raise = "DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '23505'; END $$";
    assert!(sqlx::raw_sql(raise).execute(&pool).await.is_err());
    let span = statements(&telemetry).remove(0);
    assert_eq!(text(&span, "error.type"), "23505");
    assert_eq!(span.status, opentelemetry::trace::Status::error(""));
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
}

#[tokio::test]
async fn a_statement_that_the_server_times_out_has_its_code() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(&telemetry).await else {
        return;
    };
    let mut connection = pool.acquire().await.unwrap();
    let limit = "SET statement_timeout = 20";
    connection.inner_mut().execute(limit).await.unwrap();
    let sleep = sqlx::query("SELECT pg_sleep(10)").execute(&mut connection);
    assert!(sleep.await.is_err());
    let span = statements(&telemetry).remove(0);
    assert_eq!(text(&span, "error.type"), "57014");
    assert_eq!(text(&span, "db.response.status_code"), "57014");
}
