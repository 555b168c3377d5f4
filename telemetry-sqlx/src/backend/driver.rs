//! The executor of a driver's connection, as a trait without lifetime parameters.

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Database, Describe, Either, Error, Executor, SqlStr};

use crate::query::Query;

/// One item of a running query: a row, or the summary that follows the rows of each result set.
pub(crate) type Step<DB> =
    Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, Error>;

/// Keeps other crates from implementing [`Backend`](super::Backend).
pub trait Sealed {}

/// The methods of a connection that run statements.
///
/// A bound `for<'c> &'c mut DB::Connection: Executor<'c>` on [`Backend`](super::Backend) would do the same. But every
/// user of a generic pool would have to repeat that bound, and the compiler would not finish evaluating it together
/// with our own implementations of `Executor` for `&mut` types.
pub trait Driver: Database {
    #[doc(hidden)]
    fn fetch_many(
        connection: &mut Self::Connection,
        query: Query<Self>,
    ) -> BoxStream<'_, Step<Self>>;

    #[doc(hidden)]
    fn fetch_optional(
        connection: &mut Self::Connection,
        query: Query<Self>,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Error>>;

    #[doc(hidden)]
    fn prepare_with<'e>(
        connection: &'e mut Self::Connection,
        sql: SqlStr,
        parameters: &'e [Self::TypeInfo],
    ) -> BoxFuture<'e, Result<Self::Statement, Error>>;

    #[doc(hidden)]
    fn describe(
        connection: &mut Self::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'_, Result<Describe<Self>, Error>>;
}

impl<DB> Driver for DB
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    fn fetch_many(connection: &mut DB::Connection, query: Query<DB>) -> BoxStream<'_, Step<DB>> {
        Executor::fetch_many(connection, query)
    }

    fn fetch_optional(
        connection: &mut DB::Connection,
        query: Query<DB>,
    ) -> BoxFuture<'_, Result<Option<DB::Row>, Error>> {
        Executor::fetch_optional(connection, query)
    }

    fn prepare_with<'e>(
        connection: &'e mut DB::Connection,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>> {
        Executor::prepare_with(connection, sql, parameters)
    }

    fn describe(
        connection: &mut DB::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'_, Result<Describe<DB>, Error>> {
        Executor::describe(connection, sql)
    }
}
