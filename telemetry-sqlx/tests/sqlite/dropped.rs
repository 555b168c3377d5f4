//! A call or transaction that is dropped belongs to the trace in which it began, not to the one of the drop.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt};
use opentelemetry::{
    Context,
    trace::{FutureExt as _, TraceContextExt},
};
use opentelemetry_sdk::trace::SpanData;

use crate::support::{Recorded, attribute, names};

/// Asserts that the span is a child of the request.
#[track_caller]
fn assert_child(span: &SpanData, request: &Context) {
    let request = request.span().span_context().clone();
    assert_eq!(span.span_context.trace_id(), request.trace_id(), "{span:?}");
    assert_eq!(span.parent_span_id, request.span_id(), "{span:?}");
}

#[tokio::test]
async fn the_rollback_of_a_dropped_transaction() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let (request, other) = (recorded.request(), recorded.request());
    let tx = pool.begin().with_context(request.clone()).await.unwrap();
    {
        let _other = other.attach();
        drop(tx);
    }
    let tx = pool.begin().with_context(request.clone()).await.unwrap();
    drop(tx);
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["BEGIN", "ROLLBACK", "BEGIN", "ROLLBACK"]);
    for span in &spans {
        assert_child(span, &request);
    }
}

#[tokio::test]
async fn the_rollback_of_a_dropped_savepoint() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let (request, step) = (recorded.request(), recorded.request());
    let mut tx = pool.begin().with_context(request.clone()).await.unwrap();
    drop(tx.begin().with_context(step.clone()).await.unwrap());
    drop(tx);
    let spans = recorded.statements();
    assert_eq!(
        names(&spans),
        ["BEGIN", "SAVEPOINT", "ROLLBACK", "ROLLBACK"]
    );
    assert_child(&spans[2], &step);
    assert_child(&spans[3], &request);
}

#[tokio::test]
async fn the_rollback_of_a_request_that_is_not_sampled() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let begin = pool.begin().with_context(Recorded::unsampled_request());
    let tx = begin.await.unwrap();
    drop(tx);
    let begin = pool.begin().with_context(Recorded::unsampled_request());
    let tx = begin.await.unwrap();
    {
        let _other = recorded.request().attach();
        drop(tx);
    }
    assert_eq!(names(&recorded.statements()), [""; 0]);
}

#[tokio::test]
async fn the_rollback_after_a_commit_that_failed() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let request = recorded.request();
    let mut tx = pool.begin().with_context(request.clone()).await.unwrap();
    let defer = "PRAGMA foreign_keys = ON; PRAGMA defer_foreign_keys = ON;
        CREATE TABLE parcels (id INTEGER REFERENCES orders (id)); INSERT INTO parcels VALUES (99)";
    sqlx::raw_sql(defer).execute(tx.inner_mut()).await.unwrap();
    assert!(tx.commit().await.is_err());
    let spans = recorded.statements();
    assert_eq!(names(&spans), ["BEGIN", "COMMIT", "ROLLBACK"]);
    assert_child(&spans[2], &request);
}

#[tokio::test]
async fn a_stream_a_call_and_a_wait() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let (request, other) = (recorded.request(), recorded.request());
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
    let first = rows.next().with_context(request.clone()).await;
    first.unwrap().unwrap();
    let mut call = Box::pin(sqlx::query("DELETE FROM orders").execute(&pool));
    // The stream holds the only connection, so this call waits for it.
    let polled = (&mut call).with_context(request.clone()).now_or_never();
    assert!(polled.is_none());
    {
        let _other = other.clone().attach();
        drop(call);
        drop(rows);
    }
    let spans = recorded.all();
    assert_eq!(
        names(&spans),
        ["pool.acquire", "DELETE orders", "SELECT orders"]
    );
    assert_child(&spans[1], &request);
    assert_child(&spans[2], &request);
    assert_eq!(
        spans[0].parent_span_id,
        spans[1].span_context.span_id(),
        "{spans:?}"
    );
    assert_eq!(
        attribute(&spans[0], "telemetry.outcome"),
        Some("cancelled".into())
    );
}

#[tokio::test]
async fn the_log_of_a_slow_stream() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await.with_slow_threshold(Duration::ZERO);
    let logs = crate::support::SlowLogs::default();
    let _logging = logs.install();
    let request = recorded.request();
    let mut rows = sqlx::query("SELECT item FROM orders").fetch(&pool);
    let first = rows.next().with_context(request.clone()).await;
    first.unwrap().unwrap();
    {
        let _other = recorded.request().attach();
        drop(rows);
    }
    assert_eq!(logs.spans(), [recorded.statement().span_context]);
}
