//! In a context with suppressed telemetry nothing is recorded, and every call works.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt};
use opentelemetry::{Context, trace::FutureExt as _};
use sqlx::Error;

use crate::support::{Recorded, SlowLogs, idle, names};

/// Runs in a context in which telemetry is suppressed.
async fn suppressed<F: Future>(work: F) -> F::Output {
    work.with_context(Context::new().with_telemetry_suppressed())
        .await
}

#[tokio::test]
async fn calls_leave_no_span_no_metric_and_no_log() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await.with_slow_threshold(Duration::ZERO);
    let logs = SlowLogs::default();
    let _logging = logs.install();
    suppressed(async {
        let select = sqlx::query("SELECT item FROM orders").fetch_all(&pool);
        assert_eq!(select.await.unwrap().len(), 3);
        let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
        rows.next().await.unwrap().unwrap();
        rows.next().await.unwrap().unwrap();
        drop(rows);
        assert!(sqlx::query("SELEKT").execute(&pool).await.is_err());
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("DELETE FROM orders")
            .execute(&mut tx)
            .await
            .unwrap();
        drop(tx);
        pool.begin().await.unwrap().commit().await.unwrap();
        let held = pool.acquire().await.unwrap();
        assert!(matches!(pool.acquire().await, Err(Error::PoolTimedOut)));
        assert!(pool.acquire().now_or_never().is_none());
        drop(held);
        idle(pool.inner()).await;
        drop(pool.try_acquire().unwrap());
        idle(pool.inner()).await;
        let tx = pool.try_begin().await.unwrap().unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(names(&recorded.all()), [""; 0]);
    assert_eq!(logs.spans(), []);
    assert!(recorded.durations().is_empty());
    assert_eq!(
        (recorded.count("wait_time"), recorded.count("use_time")),
        (0, 0)
    );
}

#[tokio::test]
async fn a_transaction_that_began_suppressed_is_dropped_in_silence() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let tx = suppressed(pool.begin()).await.unwrap();
    let _request = recorded.request().attach();
    drop(tx);
    assert_eq!(names(&recorded.all()), [""; 0]);
}
