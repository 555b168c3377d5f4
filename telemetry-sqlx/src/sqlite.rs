//! SQLite: a database in a file or in memory, without a server.

use std::{borrow::Cow, path::Path, sync::Arc};

use sqlx::{
    Sqlite,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteError, SqliteQueryResult},
};
use telemetry_semconv::db::Dialect;

use crate::{
    backend::{Backend, Facts, driver::Sealed},
    connection::Connection,
    pool::Pool,
    transaction::Transaction,
};

/// The name that SQLite gives to a database without a file.
const IN_MEMORY: &str = ":memory:";

impl Sealed for Sqlite {}

/// A [`Pool`] of SQLite connections.
pub type SqlitePool = Pool<Sqlite>;

/// A [`Connection`] to SQLite.
pub type SqliteConnection<'c> = Connection<'c, Sqlite>;

/// A [`Transaction`] of SQLite.
pub type SqliteTransaction<'c> = Transaction<'c, Sqlite>;

impl Backend for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn facts(options: &SqliteConnectOptions) -> Facts {
        Facts {
            system: Self::DIALECT.system_name(),
            namespace: namespace(options.get_filename()),
            ..Facts::default()
        }
    }

    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }

    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>> {
        let code: u32 = error
            .try_downcast_ref::<SqliteError>()?
            .code()?
            .parse()
            .ok()?;
        safe_message(code, error.message()).map(Cow::Borrowed)
    }
}

/// `db.namespace`: the name of the database file without its directory, which may contain the name of a user. All
/// databases in memory have the name `:memory:`, because the driver numbers the file names that it invents for them.
fn namespace(file: &Path) -> Option<Arc<str>> {
    let file = file.to_string_lossy();
    if file == IN_MEMORY || file.starts_with("file:sqlx-in-memory-") {
        return Some(Arc::from(IN_MEMORY));
    }
    let path = file.strip_prefix("file:").map_or(&*file, |uri| {
        uri.split(['?', '#']).next().unwrap_or_default()
    });
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    (!name.is_empty()).then(|| Arc::from(name))
}

/// The part of a message that comes from the schema or from SQLite itself, never from a value.
///
/// A syntax error quotes the statement, so only the words "syntax error" are kept. Triggers, virtual tables and
/// functions choose their own messages, so those are dropped.
fn safe_message(code: u32, message: &str) -> Option<&str> {
    const ERROR: u32 = 1;
    const CONSTRAINT: u32 = 19;
    const CONSTRAINT_FUNCTION: u32 = CONSTRAINT | 4 << 8;
    const CONSTRAINT_TRIGGER: u32 = CONSTRAINT | 7 << 8;
    const CONSTRAINT_VTAB: u32 = CONSTRAINT | 9 << 8;
    // Busy, locked, out of memory, read-only, interrupted, I/O, corrupt, full, schema changed, too big, mismatch. These
    // have fixed texts: <https://sqlite.org/rescode.html>.
    const FIXED: [u32; 11] = [5, 6, 7, 8, 9, 10, 11, 13, 17, 18, 20];

    match code {
        CONSTRAINT_FUNCTION | CONSTRAINT_TRIGGER | CONSTRAINT_VTAB => None,
        // The message names tables and columns, as the query text does.
        _ if code & 0xff == CONSTRAINT => Some(message),
        _ if FIXED.contains(&(code & 0xff)) => Some(message),
        ERROR if message.ends_with("syntax error") => Some("syntax error"),
        ERROR if message.starts_with("no such table: ") => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_the_name_of_the_file() {
        for (file, expected) in [
            ("shop.db", Some("shop.db")),
            ("/home/ada/data/shop.db", Some("shop.db")),
            ("file:/srv/shop.db?mode=ro", Some("shop.db")),
            (":memory:", Some(":memory:")),
            ("file:sqlx-in-memory-17", Some(":memory:")),
            ("", None),
        ] {
            assert_eq!(namespace(Path::new(file)).as_deref(), expected, "{file}");
        }
    }

    #[test]
    fn a_message_that_may_quote_a_value_is_not_shown() {
        assert_eq!(
            safe_message(2067, "UNIQUE constraint failed: a.b"),
            Some("UNIQUE constraint failed: a.b")
        );
        assert_eq!(
            safe_message(1, "near \"'secret'\": syntax error"),
            Some("syntax error")
        );
        assert_eq!(
            safe_message(1, "no such table: orders"),
            Some("no such table: orders")
        );
        assert_eq!(
            safe_message(517, "database is locked"),
            Some("database is locked")
        );
        for (code, message) in [
            (1, "unrecognized token: \"'secret\""),
            (1811, "secret"),
            (275 + 1, "?"),
            (1, "bad JSON path: 'secret'"),
        ] {
            let shown = safe_message(code, message);
            assert!(
                shown.is_none_or(|shown| !shown.contains("secret")),
                "{message}"
            );
        }
    }
}
