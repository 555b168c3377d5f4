//! `sqlx::Executor`: runs statements on a pool, and on a connection in each of its wrappers.

mod on_connection;
mod on_pool;

use std::future::poll_fn;

use async_stream::try_stream;
use futures_core::stream::BoxStream;
use sqlx::{Either, Error};

use crate::{
    backend::{Backend, driver::Step},
    call::rows::Rows,
    observer::Observer,
    query::Query,
};

/// Runs a query to its end, and returns its summary with the number of affected rows.
async fn execute<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<DB::QueryResult, Error> {
    let mut result = DB::QueryResult::default();
    let mut steps = DB::fetch_many(connection, query.commented(observer.options.sql_comments));
    while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        if let Either::Left(done) = step? {
            result.extend(Some(done));
        }
    }
    Ok(result)
}

/// Runs a query to its end, and returns its rows.
async fn fetch_all<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<Vec<DB::Row>, Error> {
    let mut rows = Vec::new();
    let mut steps = DB::fetch_many(connection, query.commented(observer.options.sql_comments));
    while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        if let Either::Right(row) = step? {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Runs a query, and returns its first row.
async fn fetch_optional<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<Option<DB::Row>, Error> {
    DB::fetch_optional(connection, query.commented(observer.options.sql_comments)).await
}

/// Runs a query, and returns its rows as a stream. The SQL comment names the span, which starts at the first poll: so
/// the query is commented inside the stream.
fn fetch_many<'e, DB: Backend>(
    connection: &'e mut DB::Connection,
    query: Query<DB>,
    observer: &'e Observer,
) -> BoxStream<'e, Step<DB>> {
    if !observer.options.sql_comments {
        return DB::fetch_many(connection, query);
    }
    Box::pin(try_stream! {
        let mut steps = DB::fetch_many(connection, query.commented(observer.options.sql_comments));
        while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
            yield step?;
        }
    })
}

fn no_rows<T>(_: &T) -> Rows {
    Rows::Unknown
}

fn affected_rows<DB: Backend>(result: &DB::QueryResult) -> Rows {
    i64::try_from(DB::rows_affected(result)).map_or(Rows::Unknown, Rows::Affected)
}

fn all_rows<T>(rows: &[T]) -> Rows {
    i64::try_from(rows.len()).map_or(Rows::Unknown, Rows::Returned)
}

fn one_row<T>(row: &Option<T>) -> Rows {
    Rows::Returned(i64::from(row.is_some()))
}
