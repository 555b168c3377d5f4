//! Statements on a connection, in each of its wrappers.

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Describe, Error, Execute, Executor, SqlStr};

use super::{
    affected_rows, all_rows, execute, fetch_all, fetch_many, fetch_optional, no_rows, one_row,
};
use crate::{
    backend::{Backend, driver::Step},
    call::{SqlCall, future::CallFuture, stream::CallStream},
    connection::{Connection, PoolConnection},
    query::Query,
    transaction::Transaction,
};

impl<'c, DB: Backend> Executor<'c> for &'c mut Connection<'_, DB> {
    type Database = DB;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = SqlCall::new(observer, query.text(), query.is_parameterised());
        let run = execute(connection, query, observer);
        Box::pin(CallFuture::new(call, run, affected_rows::<DB>))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = SqlCall::new(observer, query.text(), query.is_parameterised());
        let stream = fetch_many::<DB>(connection, query, observer);
        Box::pin(CallStream::new(call, stream))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let (connection, observer) = self.parts();
        let call = SqlCall::new(observer, query.text(), query.is_parameterised());
        let run = fetch_all(connection, query, observer);
        Box::pin(CallFuture::new(call, run, |rows: &Vec<_>| all_rows(rows)))
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
        let call = SqlCall::new(observer, query.text(), query.is_parameterised());
        let run = fetch_optional(connection, query, observer);
        Box::pin(CallFuture::new(call, run, one_row))
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
        let call = SqlCall::prepare(observer, sql.as_str());
        Box::pin(CallFuture::new(
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

/// Makes `&mut connection` and `&mut tx` run statements like `&mut *connection` and `&mut *tx`.
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
