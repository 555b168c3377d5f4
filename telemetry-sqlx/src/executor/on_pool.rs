//! Statements on a pool: each call takes a connection and returns it.

use std::future::poll_fn;

use async_stream::try_stream;
use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Describe, Error, Execute, Executor, SqlStr};

use super::{affected_rows, all_rows, execute, fetch_all, fetch_optional, no_rows, one_row};
use crate::{
    backend::{Backend, driver::Step},
    call::{SqlCall, future::CallFuture, stream::CallStream},
    pool::Pool,
    query::Query,
    wait::{self, lease::Lease},
};

impl<'p, DB: Backend> Executor<'p> for &'p Pool<DB> {
    type Database = DB;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<DB::QueryResult, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = SqlCall::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match wait::acquire(&self.inner, &self.observer, &mut lease).await {
                Ok(mut connection) => execute(&mut *connection, query, &self.observer).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(CallFuture::new(call, run, affected_rows::<DB>))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = SqlCall::new(&*self.observer, query.text(), query.is_parameterised());
        // The rows borrow the connection. An async block can own both, and a struct without unsafe code cannot.
        let stream = try_stream! {
            let mut lease = Lease::none();
            let mut connection = wait::acquire(&self.inner, &self.observer, &mut lease).await?;
            let query = query.commented(self.observer.options.sql_comments);
            let mut steps = DB::fetch_many(&mut connection, query);
            while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
                yield step?;
            }
        };
        Box::pin(CallStream::new(call, stream))
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<DB::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let call = SqlCall::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match wait::acquire(&self.inner, &self.observer, &mut lease).await {
                Ok(mut connection) => fetch_all(&mut *connection, query, &self.observer).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(CallFuture::new(call, run, |rows: &Vec<_>| all_rows(rows)))
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
        let call = SqlCall::new(&*self.observer, query.text(), query.is_parameterised());
        let run = async move {
            let mut lease = Lease::none();
            let result = match wait::acquire(&self.inner, &self.observer, &mut lease).await {
                Ok(mut connection) => fetch_optional(&mut *connection, query, &self.observer).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(CallFuture::new(call, run, one_row))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'p: 'e,
    {
        let call = SqlCall::prepare(&*self.observer, sql.as_str());
        let run = async move {
            let mut lease = Lease::none();
            let result = match wait::acquire(&self.inner, &self.observer, &mut lease).await {
                Ok(mut connection) => DB::prepare_with(&mut *connection, sql, parameters).await,
                Err(error) => Err(error),
            };
            (result, lease)
        };
        Box::pin(CallFuture::new(call, run, no_rows))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lease = Lease::none();
            let mut connection = wait::acquire(&self.inner, &self.observer, &mut lease).await?;
            DB::describe(&mut *connection, sql).await
        })
    }
}
