//! Tests for MariaDB only: it is told apart from MySQL.

use sqlx::Executor;
use telemetry_pipeline::testing::TestTelemetry;
use telemetry_sqlx::MySqlPool;

use super::{SERVER, db};
use crate::recorded::{statement, text};

#[tokio::test]
async fn the_server_is_asked_what_it_is_when_the_pool_connects() {
    let Some(url) = SERVER.url() else { return };
    let pool = MySqlPool::connect(&url).await.unwrap();
    assert_eq!(pool.facts().system, "mariadb");
}

#[tokio::test]
async fn a_wrapped_pool_is_told_what_it_is() {
    let Some(pool) = db::pool(1).await else {
        return;
    };
    let pool = MySqlPool::from(pool);
    assert_eq!(pool.facts().system, "mysql");
    assert_eq!(pool.with_system_name("mariadb").facts().system, "mariadb");
}

#[tokio::test]
async fn a_statement_that_the_server_times_out_has_its_code() {
    let telemetry = TestTelemetry::new();
    let Some(pool) = db::pool(1).await else {
        return;
    };
    let pool = MySqlPool::from(pool).with_providers(telemetry.providers().clone());
    let mut connection = pool.acquire().await.unwrap();
    let limit = "SET SESSION max_statement_time = 0.02";
    connection.inner_mut().execute(limit).await.unwrap();
    let sleep = sqlx::query("SELECT sleep(10)").execute(&mut connection);
    assert!(sleep.await.is_err());
    let span = statement(&telemetry);
    assert_eq!(text(&span, "error.type"), "1969");
    assert_eq!(text(&span, "db.response.status_code"), "1969");
}
