//! The begin and end of transactions and savepoints.

use futures_util::FutureExt;
use opentelemetry::trace::Status;

use crate::support::{Recorded, SLOW, attribute, names};

const INSERT: &str = "INSERT INTO orders VALUES (?, ?, 1)";

async fn orders(pool: &telemetry_sqlx::SqlitePool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(pool.inner())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_committed_transaction_shows_begin_and_commit() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(4)
        .bind("vase")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["BEGIN", "INSERT orders", "COMMIT"]);
    assert_eq!(attribute(&spans[0], "db.query.text"), Some("BEGIN".into()));
    assert_eq!(attribute(&spans[0], "db.response.returned_rows"), None);
    assert_eq!(orders(&pool).await, 4);
}

#[tokio::test]
async fn a_rolled_back_transaction_shows_rollback() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query(INSERT)
        .bind(4)
        .bind("vase")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let spans = recorded.statements();
    assert_eq!(
        attribute(&spans[0], "db.query.text"),
        Some("BEGIN IMMEDIATE".into())
    );
    assert_eq!(names(&spans)[1..], ["INSERT orders", "ROLLBACK"]);
    assert_eq!(attribute(&spans[2], "sqlx.transaction.dropped"), None);
    assert_eq!(orders(&pool).await, 3);
}

#[tokio::test]
async fn a_dropped_transaction_shows_that_it_was() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(4)
        .bind("vase")
        .execute(&mut *tx)
        .await
        .unwrap();
    drop(tx);
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["BEGIN", "INSERT orders", "ROLLBACK"]);
    assert_eq!(
        attribute(&spans[2], "sqlx.transaction.dropped"),
        Some(true.into())
    );
    assert_eq!(spans[2].status, Status::Unset);
    assert_eq!(orders(&pool).await, 3);
    let measured: u64 = recorded.durations().iter().map(|(_, count, _)| count).sum();
    assert_eq!(measured, 2);
}

#[tokio::test]
async fn savepoints_nest() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin().await.unwrap();
    let mut outer = tx.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(4)
        .bind("vase")
        .execute(&mut outer)
        .await
        .unwrap();
    let mut inner = outer.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(5)
        .bind("rug")
        .execute(&mut inner)
        .await
        .unwrap();
    inner.rollback().await.unwrap();
    outer.commit().await.unwrap();
    drop(tx.begin().await.unwrap());
    tx.commit().await.unwrap();
    let texts: Vec<_> = recorded
        .statements()
        .iter()
        .map(|span| attribute(span, "db.query.text").unwrap().to_string())
        .collect();
    assert_eq!(
        texts,
        [
            "BEGIN",
            "SAVEPOINT _sqlx_savepoint_1",
            INSERT,
            "SAVEPOINT _sqlx_savepoint_2",
            INSERT,
            "ROLLBACK TO SAVEPOINT _sqlx_savepoint_2",
            "RELEASE SAVEPOINT _sqlx_savepoint_1",
            "SAVEPOINT _sqlx_savepoint_1",
            "ROLLBACK TO SAVEPOINT _sqlx_savepoint_1",
            "COMMIT",
        ]
    );
    assert_eq!(orders(&pool).await, 4);
}

#[tokio::test]
async fn a_connection_begins_transactions_too() {
    let recorded = Recorded::new();
    let mut connection = recorded.pool().await.acquire().await.unwrap();
    let tx = connection.begin().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(&recorded.statements()), ["BEGIN", "COMMIT"]);
}

#[tokio::test]
async fn a_refused_begin_is_a_failed_span_and_no_rollback() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    assert!(pool.begin_with("BEGIN NONSENSE").await.is_err());
    let span = recorded.statement();
    assert_eq!(attribute(&span, "error.type"), Some("1".into()));
}

#[tokio::test]
async fn a_commit_given_up_half_way_ends_its_span() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin().await.unwrap();
    // The database is still at it when the commit is sent.
    let slow = sqlx::query(SLOW).execute(tx.inner_mut()).now_or_never();
    assert!(slow.is_none());
    assert!(tx.commit().now_or_never().is_none());
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["BEGIN", "COMMIT"]);
    assert_eq!(
        attribute(&spans[1], "telemetry.outcome"),
        Some("cancelled".into())
    );
}

#[tokio::test]
async fn a_refused_savepoint_leaves_the_transaction_around_it() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query(INSERT)
        .bind(4)
        .bind("vase")
        .execute(&mut tx)
        .await
        .unwrap();
    assert!(matches!(
        tx.begin_with("BEGIN IMMEDIATE").await,
        Err(sqlx::Error::InvalidSavePointStatement)
    ));
    tx.commit().await.unwrap();
    assert_eq!(
        attribute(&recorded.statements()[2], "error.type"),
        Some("invalid_savepoint".into())
    );
    assert_eq!(orders(&pool).await, 4);
}
