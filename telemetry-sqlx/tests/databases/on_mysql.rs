//! MySQL and MariaDB: a database for each test.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, ConnectOptions,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use super::SERVER;
use crate::server::unique_name;

pub(crate) type Database = sqlx::MySql;

pub(crate) const SYSTEM: &str = "mysql";
pub(crate) const UNIQUE_VIOLATION: &str = "1062";
pub(crate) const UNIQUE_MESSAGE: &str = "Duplicate entry for key 'item'";
pub(crate) const SYNTAX_ERROR: &str = "1064";
/// Fails at the third of three orders, after the server has sent two.
pub(crate) const FAILS_IN_MID_STREAM: &str = "SELECT (SELECT i FROM (SELECT 1 AS i UNION ALL SELECT 2) AS two WHERE i = 1 OR orders.id = 3) FROM orders ORDER BY id";
/// The code that the database gives to this failure.
pub(crate) const MID_STREAM_ERROR: &str = "1242";
/// Takes some time to run.
pub(crate) const SLOW: &str = "SELECT count(*) FROM (SELECT sleep(0.05)) AS slept";
/// Reads the number of the session; ends the session with that number.
pub(crate) const KILL: Option<(&str, &str)> =
    Some(("SELECT CAST(connection_id() AS SIGNED)", "KILL {}"));

pub(crate) async fn pool(connections: u32) -> Option<sqlx::Pool<Database>> {
    let options: MySqlConnectOptions = SERVER.url()?.parse().unwrap();
    let database = unique_name();
    let mut connection = options.connect().await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {database}"));
    sqlx::raw_sql(create)
        .execute(&mut connection)
        .await
        .unwrap();
    Some(
        MySqlPoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(1))
            .connect_with(options.database(&database))
            .await
            .unwrap(),
    )
}

/// Writes a statement with the placeholders of this database.
pub(crate) fn sql(text: &'static str) -> &'static str {
    text
}
