//! Tests of pools that run on every database.

use super::*;

#[tokio::test]
async fn a_lost_connection_fails_its_statement_and_not_the_pool() {
    let Some((session, kill)) = db::KILL else {
        return crate::server::skipped("a lost connection on SQLite, which has none to a server");
    };
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(2, &telemetry).await else {
        return;
    };
    let mut connection = pool.acquire().await.unwrap();
    let session: i64 = sqlx::query_scalar(session)
        .fetch_one(connection.inner_mut())
        .await
        .unwrap();
    let kill = sqlx::AssertSqlSafe(kill.replace("{}", &session.to_string()));
    sqlx::raw_sql(kill).execute(pool.inner()).await.unwrap();
    let lost = sqlx::query("SELECT item FROM orders")
        .fetch_all(&mut connection)
        .await;
    assert!(lost.is_err());
    drop(connection);
    let span = statement(&telemetry);
    // PostgreSQL reports why it ends the session. The others only close the connection.
    assert!(
        ["57P01", "1927", "io"].contains(&&*text(&span, "error.type")),
        "{span:?}"
    );
    assert!(matches!(span.status, Status::Error { .. }));
    assert_eq!(count(&pool).await, 3);
}

#[tokio::test]
async fn an_exhausted_pool_has_its_own_error_type_and_counts_timeouts() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let pool = pool.with_pool_name("orders");
    let _held = pool.acquire().await.unwrap();
    let call = sqlx::query("SELECT item FROM orders").fetch_all(&pool);
    assert!(matches!(call.await, Err(Error::PoolTimedOut)));
    let span = statement(&telemetry);
    assert_eq!(text(&span, "error.type"), "pool_timed_out");
    let series = |name: &str| {
        telemetry.metric(&format!(
            "{name}{{db_client_connection_pool_name=\"orders\"}}"
        ))
    };
    assert_eq!(
        series("db_client_connection_timeouts_total"),
        Some(1.0),
        "{}",
        telemetry.metrics()
    );
    assert_eq!(series("db_client_connection_pending_requests"), Some(0.0));
    let wait = telemetry
        .spans()
        .into_iter()
        .find(|span| span.name == "pool.acquire")
        .unwrap();
    assert_eq!(wait.parent_span_id, span.span_context.span_id());
}

#[tokio::test]
async fn a_cancelled_acquire_leaves_no_pending_request() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let pool = pool.with_pool_name("orders");
    let held = pool.acquire().await.unwrap();
    let pending = || {
        telemetry.metric(
            "db_client_connection_pending_requests{db_client_connection_pool_name=\"orders\"}",
        )
    };
    let mut waiting = Box::pin(pool.acquire());
    assert!((&mut waiting).now_or_never().is_none());
    let mut select = sqlx::query("SELECT item FROM orders").fetch(&pool);
    assert!(select.next().now_or_never().is_none());
    assert_eq!(pending(), Some(2.0), "{}", telemetry.metrics());
    drop(waiting);
    drop(select);
    assert_eq!(pending(), Some(0.0));
    drop(held);
    idle(pool.inner()).await;
    assert_eq!(pending(), Some(0.0));
    assert_eq!(count(&pool).await, 3);
}

#[tokio::test]
async fn the_pool_is_measured_as_it_is() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(3, &telemetry).await else {
        return;
    };
    let pool = pool.with_pool_name("orders");
    let metric = |name: &str, labels: &str| {
        telemetry.metric(&format!(
            "db_client_connection_{name}{{db_client_connection_pool_name=\"orders\"{labels}}}"
        ))
    };
    let state = |state: &str| metric("count", &format!(",db_client_connection_state=\"{state}\""));
    let open = f64::from(pool.size());
    assert_eq!((state("idle"), state("used")), (Some(open), Some(0.0)));
    let held = pool.acquire().await.unwrap();
    assert_eq!(
        (state("idle"), state("used")),
        (Some(open - 1.0), Some(1.0))
    );
    assert_eq!(
        (metric("max", ""), metric("idle_max", "")),
        (Some(3.0), Some(3.0))
    );
    assert_eq!(metric("idle_min", ""), Some(1.0));
    assert_eq!(metric("wait_time_seconds_count", ""), Some(1.0));
    assert_eq!(
        metric("use_time_seconds_count", "").unwrap_or_default(),
        0.0
    );
    drop(held);
    assert_eq!(metric("use_time_seconds_count", ""), Some(1.0));
    idle(pool.inner()).await;
    count(&pool).await;
    assert_eq!(metric("wait_time_seconds_count", ""), Some(2.0));
    assert_eq!(metric("use_time_seconds_count", ""), Some(2.0));
}

#[tokio::test]
async fn a_pool_with_several_wrappers_is_counted_once() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = pool(1, &telemetry).await else {
        return;
    };
    let pool = pool.with_pool_name("orders");
    let patient = pool.clone().with_slow_threshold(None);
    let other = Pool::from(pool.inner().clone())
        .with_providers(telemetry.providers().clone())
        .with_pool_name("orders");
    let metric = |name: &str, labels: &str| {
        telemetry.metric(&format!(
            "db_client_connection_{name}{{db_client_connection_pool_name=\"orders\"{labels}}}"
        ))
    };
    let state = |state: &str| metric("count", &format!(",db_client_connection_state=\"{state}\""));
    let _held = pool.acquire().await.unwrap();
    assert_eq!((state("idle"), state("used")), (Some(0.0), Some(1.0)));
    assert_eq!(
        (
            metric("max", ""),
            metric("idle_max", ""),
            metric("idle_min", "")
        ),
        (Some(1.0), Some(1.0), Some(1.0))
    );
    // The numbers that each wrapper counts by itself are added.
    let mut waiting = Box::pin(patient.acquire());
    assert!((&mut waiting).now_or_never().is_none());
    let mut also_waiting = Box::pin(other.acquire());
    assert!((&mut also_waiting).now_or_never().is_none());
    assert_eq!(metric("pending_requests", ""), Some(2.0));
    drop(pool);
    assert_eq!(metric("max", ""), Some(1.0));
}

#[tokio::test]
async fn a_pool_made_before_the_pipeline_is_measured_from_its_first_use_on() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = db::pool(1).await else {
        return;
    };
    let pool = Pool::from(pool).with_pool_name("early");
    let max =
        || telemetry.metric("db_client_connection_max{db_client_connection_pool_name=\"early\"}");
    let _current = telemetry.providers().set_default();
    assert_eq!(max(), None);
    pool.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(max(), Some(1.0), "{}", telemetry.metrics());
    for name in ["wait_time", "use_time"] {
        let count = format!(
            "db_client_connection_{name}_seconds_count{{db_client_connection_pool_name=\"early\"}}"
        );
        assert_eq!(telemetry.metric(&count), Some(1.0), "{name}");
    }
}
