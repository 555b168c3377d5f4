//! SQLite: a database in memory for each test.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

pub(crate) type Database = sqlx::Sqlite;

pub(crate) const SYSTEM: &str = "sqlite";
pub(crate) const UNIQUE_VIOLATION: &str = "2067";
pub(crate) const UNIQUE_MESSAGE: &str = "UNIQUE constraint failed: orders.item";
pub(crate) const SYNTAX_ERROR: &str = "1";
/// Fails at the third of three orders, after the database has returned two.
pub(crate) const FAILS_IN_MID_STREAM: &str =
    "SELECT abs(CASE id WHEN 3 THEN -9223372036854775808 ELSE number END) FROM orders ORDER BY id";
/// The code that the database gives to this failure.
pub(crate) const MID_STREAM_ERROR: &str = "1";
/// Takes some time to run.
pub(crate) const SLOW: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT count(*) FROM n";
/// SQLite has no sessions that can end.
pub(crate) const KILL: Option<(&str, &str)> = None;

pub(crate) async fn pool(connections: u32) -> Option<sqlx::Pool<Database>> {
    let options: SqliteConnectOptions = "sqlite::memory:".parse().unwrap();
    let options = options.foreign_keys(true);
    Some(
        SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(1))
            .connect_with(options)
            .await
            .unwrap(),
    )
}

/// Writes a statement with the placeholders of this database.
pub(crate) fn sql(text: &'static str) -> &'static str {
    text
}
