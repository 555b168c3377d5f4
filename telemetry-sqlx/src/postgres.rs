//! PostgreSQL: SQLSTATE codes, and messages that name the schema and not the values.

use std::{borrow::Cow, sync::Arc};

use sqlx::{
    Postgres,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError, PgQueryResult},
};
use telemetry_semconv::db::Dialect;

use crate::{
    backend::{Backend, Facts, driver::Sealed},
    connection::Connection,
    pool::Pool,
    transaction::Transaction,
};

impl Sealed for Postgres {}

/// A [`Pool`] of PostgreSQL connections.
pub type PgPool = Pool<Postgres>;

/// A [`Connection`] to PostgreSQL.
pub type PgConnection<'c> = Connection<'c, Postgres>;

/// A [`Transaction`] of PostgreSQL.
pub type PgTransaction<'c> = Transaction<'c, Postgres>;

impl Backend for Postgres {
    const DIALECT: Dialect = Dialect::PostgreSql;

    fn facts(options: &PgConnectOptions) -> Facts {
        let socket = options
            .get_socket()
            .map(|directory| directory.to_string_lossy());
        // A host that starts with a slash is the directory of the socket.
        let socket = socket.or_else(|| {
            options
                .get_host()
                .starts_with('/')
                .then(|| options.get_host().into())
        });
        let port = options.get_port();
        let (address, port) = match socket {
            Some(directory) => (format!("{directory}/.s.PGSQL.{port}").into(), None),
            None => (options.get_host().into(), Self::DIALECT.reported_port(port)),
        };
        // The PostgreSQL protocol uses the user name as the database if the client names no database.
        let namespace = options.get_database().unwrap_or(options.get_username());
        Facts {
            system: Self::DIALECT.system_name(),
            namespace: Some(Arc::from(namespace)),
            server_address: Some(address),
            server_port: port,
        }
    }

    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>> {
        let error = error.try_downcast_ref::<PgDatabaseError>()?;
        // A stored function raised the error and chose its code and message.
        if error.routine() == Some("exec_stmt_raise") {
            return None;
        }
        safe_message(error.code(), error.message()).map(Cow::Borrowed)
    }
}

/// The part of a message that comes from the schema or from the server itself, never from a value.
///
/// PostgreSQL puts values into the detail, which is never shown. Two kinds of messages quote a value: conversions that
/// failed, which are dropped, and syntax errors, of which only the words "syntax error" are kept.
fn safe_message<'e>(code: &str, message: &'e str) -> Option<&'e str> {
    const SYNTAX_ERROR: &str = "42601";
    const UNDEFINED_TABLE: &str = "42P01";
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    // In this order: connections; constraints; transaction state; deadlocks and serialization; resources; shutdown, kill
    // and timeouts.
    const CLASSES: [&str; 6] = ["08", "23", "25", "40", "53", "57"];

    match code {
        SYNTAX_ERROR => Some("syntax error"),
        UNDEFINED_TABLE | LOCK_NOT_AVAILABLE => Some(message),
        _ if CLASSES.iter().any(|class| code.starts_with(class)) => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(url: &str) -> (Option<Arc<str>>, Option<Arc<str>>, Option<u16>) {
        let facts = Postgres::facts(&url.parse().unwrap_or_default());
        (facts.namespace, facts.server_address, facts.server_port)
    }

    #[test]
    fn the_usual_port_and_that_of_a_socket_are_left_out() {
        let shop = Some(Arc::from("shop"));
        let host = Some(Arc::from("db.example"));
        let socket = Some(Arc::from("/run/postgresql/.s.PGSQL.5433"));
        for (url, expected) in [
            (
                "postgres://ada@db.example/shop",
                (shop.clone(), host.clone(), None),
            ),
            (
                "postgres://ada@db.example:5433/shop",
                (shop.clone(), host.clone(), Some(5433)),
            ),
            ("postgres://shop@db.example", (shop.clone(), host, None)),
            (
                "postgres://ada@%2Frun%2Fpostgresql:5433/shop",
                (shop, socket, None),
            ),
        ] {
            assert_eq!(facts(url), expected, "{url}");
        }
    }

    #[test]
    fn a_message_that_may_quote_a_value_is_not_shown() {
        let unique = "duplicate key value violates unique constraint \"orders_item_key\"";
        assert_eq!(safe_message("23505", unique), Some(unique));
        for (code, message) in [
            ("42601", "syntax error at or near \"'secret'\""),
            ("22P02", "invalid input syntax for type integer: \"secret\""),
            ("42703", "column \"secret\" does not exist"),
            ("P0001", "secret"),
        ] {
            let shown = safe_message(code, message);
            assert!(
                shown.is_none_or(|shown| !shown.contains("secret")),
                "{message}"
            );
        }
    }
}
