//! Running statements: on a pool, and on a connection in each of its wrappers.

use std::future::poll_fn;

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr};

use crate::{
    connection::{Connection, PoolConnection},
    database::Backend,
    driver::Step,
    generator::Generator,
    observer::Observer,
    pool::Pool,
    query::Query,
    span::{Call, Observed, ObservedStream, Rows},
    transaction::Transaction,
    wait::{Lease, acquire},
};

/// Runs a query to its end, for the number of affected rows.
async fn execute<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<DB::QueryResult, Error> {
    let mut result = DB::QueryResult::default();
    let mut steps = DB::fetch_many(connection, query.commented(observer));
    while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        if let Either::Left(done) = step? {
            result.extend(Some(done));
        }
    }
    Ok(result)
}

/// Runs a query to its end, for its rows.
async fn fetch_all<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<Vec<DB::Row>, Error> {
    let mut rows = Vec::new();
    let mut steps = DB::fetch_many(connection, query.commented(observer));
    while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        if let Either::Right(row) = step? {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Runs a query for its first row.
async fn fetch_optional<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
    observer: &Observer,
) -> Result<Option<DB::Row>, Error> {
    DB::fetch_optional(connection, query.commented(observer)).await
}

/// Runs a query, whose span begins when the stream is first polled and not before.
fn fetch_many<'e, DB: Backend>(
    connection: &'e mut DB::Connection,
    query: Query<DB>,
    observer: &'e Observer,
) -> BoxStream<'e, Step<DB>> {
    if !observer.settings.comments {
        return DB::fetch_many(connection, query);
    }
    Box::pin(Generator::new(|consumer| async move {
        let mut steps = DB::fetch_many(connection, query.commented(observer));
        while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
            consumer.hand(step?).await;
        }
        Ok(())
    }))
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

impl<'p, DB: Backend> Executor<'p> for &'p Pool<DB> {
    type Database = DB;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match acquire(self, &mut lease).await {
                Ok(mut connection) => execute(&mut *connection, query, &self.observer).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(Observed::new(call, run, affected_rows::<DB>))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&*self.observer, query.text(), query.is_parameterised());
        let stream = Generator::new(|consumer| async move {
            let mut lease = Lease::none();
            let mut connection = acquire(self, &mut lease).await?;
            let query = query.commented(&self.observer);
            let mut steps = DB::fetch_many(&mut connection, query);
            while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
                consumer.hand(step?).await;
            }
            Ok(())
        });
        Box::pin(ObservedStream::new(call, stream))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match acquire(self, &mut lease).await {
                Ok(mut connection) => fetch_all(&mut *connection, query, &self.observer).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(Observed::new(call, run, |rows: &Vec<_>| all_rows(rows)))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match acquire(self, &mut lease).await {
                Ok(mut connection) => {
                    DB::fetch_optional(&mut connection, query.commented(&self.observer)).await
                }
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(Observed::new(call, run, one_row))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'p: 'e,
    {
        let call = Call::prepare(&*self.observer, sql.as_str());
        let run = async move {
            let mut lease = Lease::none();
            let result = match acquire(self, &mut lease).await {
                Ok(mut connection) => DB::prepare_with(&mut *connection, sql, parameters).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(Observed::new(call, run, no_rows))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lease = Lease::none();
            let mut connection = acquire(self, &mut lease).await?;
            DB::describe(&mut *connection, sql).await
        })
    }
}

impl<'c, DB: Backend> Executor<'c> for &'c mut Connection<'_, DB> {
    type Database = DB;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = Call::new(observer, query.text(), query.is_parameterised());
        let run = execute(connection, query, observer);
        Box::pin(Observed::new(call, run, affected_rows::<DB>))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = Call::new(observer, query.text(), query.is_parameterised());
        let stream = fetch_many::<DB>(connection, query, observer);
        Box::pin(ObservedStream::new(call, stream))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = Call::new(observer, query.text(), query.is_parameterised());
        let run = fetch_all(connection, query, observer);
        Box::pin(Observed::new(call, run, |rows: &Vec<_>| all_rows(rows)))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = Call::new(observer, query.text(), query.is_parameterised());
        let run = fetch_optional(connection, query, observer);
        Box::pin(Observed::new(call, run, one_row))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        let (connection, observer) = self.parts();
        let call = Call::prepare(observer, sql.as_str());
        Box::pin(Observed::new(
            call,
            DB::prepare_with(connection, sql, parameters),
            no_rows,
        ))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        DB::describe(self.inner_mut(), sql)
    }
}

/// Lets `&mut connection` and `&mut tx` run statements, as `&mut *connection` and `&mut *tx` do.
macro_rules! run_on_the_connection {
    ([$($lifetime:lifetime)?] $wrapper:ty) => {
        impl<'c, $($lifetime,)? DB: Backend> Executor<'c> for &'c mut $wrapper {
            type Database = DB;

            fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Executor::execute(&mut **self, query)
            }

            fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Executor::fetch_many(&mut **self, query)
            }

            fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Executor::fetch_all(&mut **self, query)
            }

            fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                Executor::fetch_optional(&mut **self, query)
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> BoxFuture<'e, Result<DB::Statement, Error>>
            where
                'c: 'e,
            {
                Executor::prepare_with(&mut **self, sql, parameters)
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
            where
                'c: 'e,
            {
                Executor::describe(&mut **self, sql)
            }
        }
    };
}

run_on_the_connection!([] PoolConnection<DB>);
run_on_the_connection!(['t] Transaction<'t, DB>);
