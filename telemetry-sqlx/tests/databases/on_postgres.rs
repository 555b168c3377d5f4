//! PostgreSQL: a schema for each test.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::server::{POSTGRES, unique_name};

pub(crate) type Database = sqlx::Postgres;

pub(crate) const SYSTEM: &str = "postgresql";
pub(crate) const UNIQUE_VIOLATION: &str = "23505";
pub(crate) const UNIQUE_MESSAGE: &str =
    "duplicate key value violates unique constraint \"orders_item_key\"";
pub(crate) const SYNTAX_ERROR: &str = "42601";
/// Fails at the third of three orders, after the server has sent two.
// The subquery makes the server sort before it divides. Otherwise it would fail before the first row.
pub(crate) const FAILS_IN_MID_STREAM: &str =
    "SELECT 10 / (3 - id) FROM (SELECT id FROM orders ORDER BY id OFFSET 0) AS sorted";
/// The code that the database gives to this failure.
pub(crate) const MID_STREAM_ERROR: &str = "22012";
/// Takes some time to run.
pub(crate) const SLOW: &str = "SELECT count(*) FROM (SELECT pg_sleep(0.05)) AS slept";
/// Reads the number of the session; ends the session with that number.
pub(crate) const KILL: Option<(&str, &str)> = Some((
    "SELECT pg_backend_pid()::bigint",
    "SELECT pg_terminate_backend({})",
));

pub(crate) async fn pool(connections: u32) -> Option<sqlx::Pool<Database>> {
    let options: PgConnectOptions = POSTGRES.url()?.parse().unwrap();
    let schema = unique_name();
    let options = options.options([("search_path", &schema)]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(1))
        .connect_with(options)
        .await
        .unwrap();
    let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(create).execute(&pool).await.unwrap();
    Some(pool)
}

/// Writes a statement with the placeholders of this database.
pub(crate) fn sql(text: &'static str) -> AssertSqlSafe<String> {
    let mut parts = text.split('?');
    let mut numbered = parts.next().unwrap().to_owned();
    for (n, part) in (1..).zip(parts) {
        numbered.push_str(&format!("${n}{part}"));
    }
    AssertSqlSafe(numbered)
}
