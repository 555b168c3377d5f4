//! The driver's own executor, reached through a trait of ours.

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Database, Describe, Either, Error, SqlStr};

use crate::query::Query;

/// What a statement yields: the rows of each result set, each followed by its summary.
pub(crate) type Step<DB> =
    Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, Error>;

/// The methods of a connection that run statements.
///
/// A bound `for<'c> &'c mut DB::Connection: Executor<'c>` would say the same, but every user of a generic pool would
/// have to repeat it, and together with our own implementations for `&mut` types the compiler does not get to the end
/// of evaluating it.
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

/// Implements [`Driver`] by the executor of the driver's connection.
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
macro_rules! drive {
    ($database:ty) => {
        impl $crate::driver::Driver for $database {
            fn fetch_many(
                connection: &mut Self::Connection,
                query: $crate::query::Query<Self>,
            ) -> futures_core::stream::BoxStream<'_, $crate::driver::Step<Self>> {
                sqlx::Executor::fetch_many(connection, query)
            }

            fn fetch_optional(
                connection: &mut Self::Connection,
                query: $crate::query::Query<Self>,
            ) -> futures_core::future::BoxFuture<'_, Result<Option<Self::Row>, sqlx::Error>> {
                sqlx::Executor::fetch_optional(connection, query)
            }

            fn prepare_with<'e>(
                connection: &'e mut Self::Connection,
                sql: sqlx::SqlStr,
                parameters: &'e [Self::TypeInfo],
            ) -> futures_core::future::BoxFuture<'e, Result<Self::Statement, sqlx::Error>> {
                sqlx::Executor::prepare_with(connection, sql, parameters)
            }

            fn describe(
                connection: &mut Self::Connection,
                sql: sqlx::SqlStr,
            ) -> futures_core::future::BoxFuture<'_, Result<sqlx::Describe<Self>, sqlx::Error>>
            {
                sqlx::Executor::describe(connection, sql)
            }
        }
    };
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub(crate) use drive;
