//! The trait that a database implements.

pub(crate) mod driver;
mod facts;

use std::{borrow::Cow, future};

use futures_core::future::BoxFuture;
use sqlx::{Connection, Database, error::DatabaseError};
use telemetry_semconv::db::Dialect;

use driver::{Driver, Sealed};
pub use facts::Facts;

/// A database that this crate can instrument.
///
/// The trait is sealed. This crate implements it for SQLite, PostgreSQL and MySQL, behind the cargo features `sqlite`,
/// `postgres` and `mysql`. `mysql` includes MariaDB.
pub trait Backend: Database + Driver + Sealed {
    /// The SQL dialect: how the database writes literals, identifiers and comments.
    const DIALECT: Dialect;

    /// Reads the facts about the database from its connect options, without a round trip.
    fn facts(options: &<Self::Connection as Connection>::Options) -> Facts;

    /// The number of rows that a statement changed.
    fn rows_affected(result: &Self::QueryResult) -> u64;

    /// Asks the server for its `db.system.name`, with at most one round trip. Default: no question, and `None`, which
    /// keeps the name in [`Facts::system`].
    fn detect_system(_: &mut Self::Connection) -> BoxFuture<'_, Option<&'static str>> {
        Box::pin(future::ready(None))
    }

    /// `db.response.status_code` of an error. Default: the error's code.
    fn status_code(error: &dyn DatabaseError) -> Option<Cow<'_, str>> {
        error.code()
    }

    /// The part of an error's message that cannot contain a value of the application. It becomes the description of
    /// the span's status. Returns `None` if the message may contain such a value.
    fn safe_message<'e>(error: &'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>>;
}

/// The functions of a [`Backend`] that read errors. Code that is not generic over the database holds them.
#[derive(Clone, Copy)]
pub(crate) struct ErrorReader {
    pub(crate) status_code: for<'e> fn(&'e dyn DatabaseError) -> Option<Cow<'e, str>>,
    pub(crate) safe_message: SafeMessage,
}

/// The type of [`Backend::safe_message`].
type SafeMessage = for<'e> fn(&'e (dyn DatabaseError + 'static)) -> Option<Cow<'e, str>>;

impl ErrorReader {
    pub(crate) fn of<DB: Backend>() -> Self {
        Self {
            status_code: DB::status_code,
            safe_message: DB::safe_message,
        }
    }
}
