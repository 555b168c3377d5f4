//! MySQL and MariaDB: one driver and one protocol, two products.

use std::{borrow::Cow, sync::Arc};

use futures_core::future::BoxFuture;
use sqlx::{
    Executor, MySql, Row,
    error::DatabaseError,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlQueryResult},
};
use telemetry_semconv::db::Dialect;

use crate::{
    backend::{Backend, Facts, driver::Sealed},
    connection::Connection,
    pool::Pool,
    transaction::Transaction,
};

impl Sealed for MySql {}

/// A [`Pool`] of MySQL or MariaDB connections.
pub type MySqlPool = Pool<MySql>;

/// A [`Connection`] to MySQL or MariaDB.
pub type MySqlConnection<'c> = Connection<'c, MySql>;

/// A [`Transaction`] of MySQL or MariaDB.
pub type MySqlTransaction<'c> = Transaction<'c, MySql>;

impl Backend for MySql {
    const DIALECT: Dialect = Dialect::MySql;

    fn facts(options: &MySqlConnectOptions) -> Facts {
        let (address, port) = match options.get_socket() {
            Some(socket) => (socket.to_string_lossy().into(), None),
            None => (
                options.get_host().into(),
                Self::DIALECT.reported_port(options.get_port()),
            ),
        };
        Facts {
            system: Self::DIALECT.system_name(),
            namespace: options.get_database().map(Arc::from),
            server_address: Some(address),
            server_port: port,
        }
    }

    fn rows_affected(result: &MySqlQueryResult) -> u64 {
        result.rows_affected()
    }

    fn detect_system(
        connection: &mut sqlx::MySqlConnection,
    ) -> BoxFuture<'_, Option<&'static str>> {
        Box::pin(async move {
            let row = connection.fetch_one("SELECT version()").await.ok()?;
            let version: String = row.try_get(0).ok()?;
            version.contains("MariaDB").then_some("mariadb")
        })
    }

    /// The error number, as the semantic conventions require. sqlx returns SQLSTATE as the code, which is `HY000` for
    /// most errors.
    fn status_code(error: &dyn DatabaseError) -> Option<Cow<'_, str>> {
        let error = error.try_downcast_ref::<MySqlDatabaseError>()?;
        Some(Cow::Owned(error.number().to_string()))
    }

    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>> {
        let error = error.try_downcast_ref::<MySqlDatabaseError>()?;
        // A stored procedure raised the error and chose its message.
        if error.code() == Some("45000") {
            return None;
        }
        safe_message(error.number(), error.message())
    }
}

/// The part of a message that comes from the schema or from the server itself, never from a value.
fn safe_message(number: u16, message: &str) -> Option<Cow<'_, str>> {
    const DUPLICATE: [u16; 2] = [1062, 1586];
    const SYNTAX_ERROR: u16 = 1064;
    // Two groups. The first has fixed texts: too many connections, shutdown, out of memory, lock wait, deadlock, killed,
    // timed out. The second names the schema: missing or forbidden column values, unknown tables, foreign keys, checks.
    const SAFE: [u16; 20] = [
        1037, 1040, 1041, 1048, 1053, 1114, 1146, 1203, 1205, 1213, 1216, 1217, 1317, 1364, 1451,
        1452, 1927, 1969, 3024, 4025,
    ];

    match number {
        // The message quotes the value first and names the key last.
        _ if DUPLICATE.contains(&number) => {
            let key = message.rfind(" for key ")?;
            Some(Cow::Owned(format!(
                "Duplicate entry{}",
                message.get(key..)?
            )))
        }
        SYNTAX_ERROR => Some(Cow::Borrowed("syntax error")),
        _ if SAFE.contains(&number) => Some(Cow::Borrowed(message)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_and_that_of_a_socket_are_left_out() {
        let options = MySqlConnectOptions::new().host("db.example");
        assert_eq!(
            MySql::facts(&options),
            Facts {
                system: "mysql",
                server_address: Some(Arc::from("db.example")),
                ..Facts::default()
            }
        );
        let facts = MySql::facts(&options.port(3307).database("shop"));
        assert_eq!(
            (facts.namespace.as_deref(), facts.server_port),
            (Some("shop"), Some(3307))
        );
        let facts = MySql::facts(
            &MySqlConnectOptions::new()
                .port(3307)
                .socket("/run/mysql.sock"),
        );
        assert_eq!(
            (facts.server_address.as_deref(), facts.server_port),
            (Some("/run/mysql.sock"), None)
        );
    }

    #[test]
    fn a_message_that_may_quote_a_value_is_not_shown() {
        assert_eq!(
            safe_message(
                1062,
                "Duplicate entry 'it's secret for key 'x'' for key 'item'"
            )
            .as_deref(),
            Some("Duplicate entry for key 'item'")
        );
        assert!(safe_message(1213, "Deadlock found when trying to get lock").is_some());
        for (number, message) in [
            (
                1064,
                "You have an error in your SQL syntax near 'secret' at line 1",
            ),
            (1366, "Incorrect integer value: 'secret' for column `a`.`b`"),
            (1054, "Unknown column 'secret' in 'where clause'"),
            (1644, "secret"),
        ] {
            let shown = safe_message(number, message);
            assert!(
                shown.is_none_or(|shown| !shown.contains("secret")),
                "{message}"
            );
        }
    }
}
