//! Waiting for a connection.

use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use futures_util::FutureExt as _;
use opentelemetry::{
    Context,
    trace::{FutureExt as _, SpanKind, Status, TraceContextExt},
};
use sqlx::{
    Acquire, Error, Sqlite,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use telemetry_sqlx::{PgPool, SqlitePool};

use crate::support::{Recorded, attribute, attributes, idle, names};

#[tokio::test]
async fn an_idle_connection_is_taken_without_a_span() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    drop(pool.acquire().await.unwrap());
    assert!(recorded.all().is_empty());
}

#[tokio::test]
async fn waiting_is_a_span_inside_of_the_statements() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let held = pool.acquire().await.unwrap();
    let (rows, ()) = tokio::join!(
        sqlx::query("SELECT item FROM orders").fetch_all(&pool),
        async {
            tokio::task::yield_now().await;
            drop(held);
        }
    );
    assert_eq!(rows.unwrap().len(), 3);
    let spans = recorded.all();
    let wait = spans
        .iter()
        .find(|span| span.name == "pool.acquire")
        .unwrap();
    let statement = spans
        .iter()
        .find(|span| span.name == "SELECT orders")
        .unwrap();
    assert_eq!(wait.parent_span_id, statement.span_context.span_id());
    assert_eq!(
        (wait.span_kind.clone(), &wait.status),
        (SpanKind::Internal, &Status::Unset)
    );
    assert_eq!(attribute(wait, "db.namespace"), Some(":memory:".into()));
}

#[tokio::test]
async fn an_exhausted_pool_has_its_own_error_type() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let _held = pool.acquire().await.unwrap();
    let request = recorded.request();
    let call = sqlx::query("SELECT item FROM orders")
        .fetch_all(&pool)
        .with_context(request.clone());
    assert!(matches!(call.await, Err(Error::PoolTimedOut)));
    assert!(matches!(pool.begin().await, Err(Error::PoolTimedOut)));
    assert!(matches!(pool.acquire().await, Err(Error::PoolTimedOut)));
    let spans = recorded.all();
    let waits = spans
        .iter()
        .filter(|span| span.name == "pool.acquire")
        .count();
    assert_eq!(
        (waits, names(&recorded.statements())),
        (3, vec!["SELECT orders", "BEGIN"])
    );
    for span in spans {
        assert_eq!(
            attribute(&span, "error.type"),
            Some("pool_timed_out".into())
        );
        assert_eq!(
            span.status,
            Status::error("pool timed out while waiting for an open connection")
        );
    }
    request.span().end();
    let spans = recorded.all();
    let caller = spans.iter().find(|span| span.name == "GET /orders");
    let caller = caller.unwrap();
    assert_eq!(
        (&caller.status, caller.attributes.len()),
        (&Status::Unset, 0)
    );
    let series: Vec<_> = recorded
        .durations()
        .into_iter()
        .map(|(attributes, ..)| attributes)
        .collect();
    assert!(
        series
            .iter()
            .all(|attributes| attributes["error.type"] == "pool_timed_out"),
        "{series:?}"
    );
}

#[tokio::test]
async fn a_wait_tells_whether_the_pool_was_full() {
    let recorded = Recorded::new();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(50))
        .connect_lazy_with(SqliteConnectOptions::new());
    let pool = SqlitePool::from(pool).with_providers(recorded.providers.clone());
    let _held = pool.acquire().await.unwrap();
    assert!(pool.acquire().await.is_err());
    let full: Vec<_> = recorded
        .all()
        .iter()
        .map(|span| attribute(span, "sqlx.pool.full"))
        .collect();
    assert_eq!(full, [Some(false.into()), Some(true.into())]);
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_of_the_wait() {
    let recorded = Recorded::new();
    // No server listens on the port that was just freed.
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port.local_addr().unwrap().port();
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(100))
        .connect_lazy_with(PgConnectOptions::new().host("127.0.0.1").port(port));
    let pool = PgPool::from(pool).with_providers(recorded.providers.clone());
    let select = sqlx::query("SELECT 1").execute(&pool);
    assert!(matches!(select.await, Err(Error::PoolTimedOut)));
    let spans = recorded.all();
    assert_eq!(names(&spans), ["pool.acquire", "SELECT"]);
    for span in &spans {
        assert_eq!(attribute(span, "error.type"), Some("pool_timed_out".into()));
    }
    assert_eq!(attribute(&spans[0], "sqlx.pool.full"), Some(false.into()));
}

#[tokio::test]
async fn connecting_a_pool_is_a_span() {
    let recorded = Recorded::new();
    let _current = recorded.providers.set_default();
    let request = recorded.request();
    let connect = SqlitePool::connect("sqlite::memory:");
    connect.with_context(request.clone()).await.unwrap();
    let missing = SqlitePool::connect("sqlite:///nowhere/missing.db").await;
    assert!(missing.is_err());
    let suppressed = Context::new().with_telemetry_suppressed();
    let connect = SqlitePool::connect("sqlite::memory:");
    connect.with_context(suppressed).await.unwrap();
    assert!(
        SqlitePool::connect("sqlite::memory:")
            .now_or_never()
            .is_none()
    );
    let spans = recorded.all();
    assert_eq!(names(&spans), ["pool.connect"; 3]);
    let [connected, failed, given_up] = &*spans else {
        panic!("{spans:?}")
    };
    assert_eq!(
        connected.parent_span_id,
        request.span().span_context().span_id()
    );
    assert_eq!(
        (connected.span_kind.clone(), &connected.status),
        (SpanKind::Internal, &Status::Unset)
    );
    let facts = BTreeMap::from([
        ("db.system.name", "sqlite".into()),
        ("db.namespace", ":memory:".into()),
    ]);
    assert_eq!(attributes(connected), facts);
    assert_eq!(attribute(failed, "error.type"), Some("14".into()));
    assert_eq!(
        attribute(failed, "db.response.status_code"),
        Some("14".into())
    );
    assert!(matches!(failed.status, Status::Error { .. }));
    assert_eq!(
        attribute(given_up, "telemetry.outcome"),
        Some("cancelled".into())
    );
}

#[tokio::test]
async fn giving_up_waiting_ends_both_spans() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let _held = pool.acquire().await.unwrap();
    assert!(
        sqlx::query("SELECT item FROM orders")
            .fetch_all(&pool)
            .now_or_never()
            .is_none()
    );
    assert!(pool.acquire().now_or_never().is_none());
    let spans = recorded.all();
    assert_eq!(spans.len(), 3, "{:?}", names(&spans));
    assert!(
        spans
            .iter()
            .all(|span| attribute(span, "telemetry.outcome") == Some("cancelled".into()))
    );
}

#[tokio::test]
async fn a_closed_pool_says_so() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    assert_eq!((pool.size(), pool.is_closed()), (1, false));
    pool.close().await;
    assert_eq!(
        (pool.size(), pool.num_idle(), pool.is_closed()),
        (0, 0, true)
    );
    assert!(matches!(
        sqlx::query("SELECT 1").execute(&pool).await,
        Err(Error::PoolClosed)
    ));
    assert_eq!(
        attribute(&recorded.statement(), "error.type"),
        Some("pool_closed".into())
    );
}

#[tokio::test]
async fn two_databases_with_the_same_providers_have_series_of_their_own() {
    let recorded = Recorded::new();
    let directory = tempfile::tempdir().unwrap();
    for name in ["one.db", "two.db"] {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(directory.path().join(name))
            .create_if_missing(true);
        let pool = telemetry_sqlx::SqlitePool::connect_with(options)
            .await
            .unwrap();
        let pool = pool.with_providers(recorded.providers.clone());
        sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    }
    let mut namespaces: Vec<_> = recorded
        .durations()
        .into_iter()
        .map(|(attributes, ..)| attributes["db.namespace"].clone())
        .collect();
    namespaces.sort();
    assert_eq!(namespaces, ["one.db", "two.db"]);
}

#[tokio::test]
async fn what_is_idle_is_taken_without_waiting_and_recorded_as_ever() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut connection = pool.try_acquire().unwrap();
    let select = sqlx::query("SELECT id FROM orders").fetch_all(&mut connection);
    assert_eq!(select.await.unwrap().len(), 3);
    assert!(pool.try_acquire().is_none());
    assert!(pool.try_begin().await.unwrap().is_none());
    drop(connection);
    idle(pool.inner()).await;
    let tx = pool.try_begin().await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(&recorded.all()), ["SELECT orders", "BEGIN", "COMMIT"]);
}

async fn count<'a>(acquire: impl Acquire<'a, Database = Sqlite>) {
    let mut connection = acquire.acquire().await.unwrap();
    let count = sqlx::query("SELECT count(*) FROM orders");
    count.fetch_one(&mut *connection).await.unwrap();
}

async fn count_in_transaction<'a>(acquire: impl Acquire<'a, Database = Sqlite>) {
    let mut tx = acquire.begin().await.unwrap();
    let count = sqlx::query("SELECT count(*) FROM orders");
    count.fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_connection_handed_out_by_the_trait_has_a_wait_time_and_no_use_time() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    count(&pool).await;
    idle(pool.inner()).await;
    assert_eq!(
        (recorded.count("wait_time"), recorded.count("use_time")),
        (1, 0)
    );
    count_in_transaction(&pool).await;
    idle(pool.inner()).await;
    assert_eq!(
        (recorded.count("wait_time"), recorded.count("use_time")),
        (2, 0)
    );
}

#[tokio::test]
async fn each_connection_that_is_obtained_has_a_wait_time() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let obtained = || (recorded.count("wait_time"), recorded.count("use_time"));
    drop(pool.acquire().await.unwrap());
    idle(pool.inner()).await;
    assert_eq!(obtained(), (1, 1));
    pool.begin().await.unwrap().commit().await.unwrap();
    idle(pool.inner()).await;
    assert_eq!(obtained(), (2, 2));
    drop(pool.try_acquire().unwrap());
    idle(pool.inner()).await;
    assert_eq!(obtained(), (3, 3));
    let tx = pool.try_begin().await.unwrap().unwrap();
    tx.commit().await.unwrap();
    idle(pool.inner()).await;
    assert_eq!(obtained(), (4, 4));
}

#[tokio::test]
async fn a_pool_connected_here_does_not_log_its_statements_a_second_time() {
    let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
    let options = format!("{:?}", pool.inner().connect_options());
    assert!(options.contains("statements_level: Off"), "{options}");
    assert!(options.contains("slow_statements_level: Off"), "{options}");
}
