//! Running statements: on a pool, and on a connection in each of its wrappers.

use std::future::poll_fn;

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr};

use crate::{
    connection::{Connection, PoolConnection},
    database::Backend,
    driver::Step,
    generator::Generator,
    pool::Pool,
    query::Query,
    span::{Call, Observed, ObservedStream},
    transaction::Transaction,
    wait::acquire,
};

/// Runs a query to its end, for the number of affected rows.
async fn execute<DB: Backend>(
    connection: &mut DB::Connection,
    query: Query<DB>,
) -> Result<DB::QueryResult, Error> {
    let mut result = DB::QueryResult::default();
    let mut steps = DB::fetch_many(connection, query);
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
) -> Result<Vec<DB::Row>, Error> {
    let mut rows = Vec::new();
    let mut steps = DB::fetch_many(connection, query);
    while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        if let Either::Right(row) = step? {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn no_rows<T>(_: &T) -> Option<i64> {
    None
}

fn all_rows<T>(rows: &[T]) -> Option<i64> {
    i64::try_from(rows.len()).ok()
}

fn one_row<T>(row: &Option<T>) -> Option<i64> {
    Some(i64::from(row.is_some()))
}

impl<'p, DB: Backend> Executor<'p> for &Pool<DB> {
    type Database = DB;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        let pool = self.clone();
        let run =
            async move { execute(&mut *acquire(&pool.inner, &pool.observer).await?, query).await };
        Box::pin(Observed::new(call, run, no_rows))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        let pool = self.clone();
        let stream = Generator::new(|consumer| async move {
            let mut connection = acquire(&pool.inner, &pool.observer).await?;
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
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        let pool = self.clone();
        let run = async move {
            fetch_all(&mut *acquire(&pool.inner, &pool.observer).await?, query).await
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
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        let pool = self.clone();
        let run = async move {
            DB::fetch_optional(&mut *acquire(&pool.inner, &pool.observer).await?, query).await
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
        let call = Call::prepare(&self.observer, sql.as_str());
        let pool = self.clone();
        let run = async move {
            DB::prepare_with(
                &mut *acquire(&pool.inner, &pool.observer).await?,
                sql,
                parameters,
            )
            .await
        };
        Box::pin(Observed::new(call, run, no_rows))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move {
            DB::describe(&mut *acquire(&pool.inner, &pool.observer).await?, sql).await
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
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        Box::pin(Observed::new(
            call,
            execute(self.inner_mut(), query),
            no_rows,
        ))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        Box::pin(ObservedStream::new(
            call,
            DB::fetch_many(self.inner_mut(), query),
        ))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        Box::pin(Observed::new(
            call,
            fetch_all(self.inner_mut(), query),
            |rows: &Vec<_>| all_rows(rows),
        ))
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
        let call = Call::new(&self.observer, query.text(), query.is_parameterised());
        Box::pin(Observed::new(
            call,
            DB::fetch_optional(self.inner_mut(), query),
            one_row,
        ))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        let call = Call::prepare(&self.observer, sql.as_str());
        Box::pin(Observed::new(
            call,
            DB::prepare_with(self.inner_mut(), sql, parameters),
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
