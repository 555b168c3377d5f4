//! The pool.

use std::{
    future::{self, Future},
    sync::Arc,
};

use sqlx::{ConnectOptions as _, Error, SqlSafeStr, SqlStr, pool::PoolOptions};
use telemetry_core::Providers;

use crate::{
    connection::PoolConnection,
    database::{Backend, Facts},
    observer::Observer,
    span::Call,
    transaction::{Transaction, begin_sql},
    wait::acquire,
};

type Options<DB> = <<DB as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// A pool of connections whose statements are recorded. Cloning is cheap and shares the pool.
///
/// `&pool` runs statements as a `&sqlx::Pool` does. What is recorded is listed at the [crate](crate#what-is-recorded).
#[derive(Debug)]
pub struct Pool<DB: Backend> {
    pub(crate) inner: sqlx::Pool<DB>,
    pub(crate) observer: Arc<Observer>,
}

impl<DB: Backend> Pool<DB> {
    /// Records the statements of an existing pool.
    ///
    /// sqlx logs each of them too, unless the pool was connected with options on which
    /// [`disable_statement_logging`](sqlx::ConnectOptions::disable_statement_logging) was called.
    pub fn new(pool: sqlx::Pool<DB>) -> Self {
        let observer = Observer::of::<DB>(&pool.connect_options());
        Self {
            inner: pool,
            observer,
        }
    }

    /// Connects to a URL with the default pool options and without sqlx's own statement log.
    ///
    /// # Errors
    ///
    /// A malformed URL, or what connecting reports.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url.parse()?).await
    }

    /// Connects with the default pool options and without sqlx's own statement log.
    ///
    /// # Errors
    ///
    /// What connecting reports.
    pub async fn connect_with(options: Options<DB>) -> Result<Self, Error> {
        Self::connect_pool(PoolOptions::new(), options).await
    }

    /// Connects without sqlx's own statement log, which would say what the spans say.
    ///
    /// # Errors
    ///
    /// What connecting reports.
    pub async fn connect_pool(pool: PoolOptions<DB>, options: Options<DB>) -> Result<Self, Error> {
        Ok(Self::new(
            pool.connect_with(options.disable_statement_logging())
                .await?,
        ))
    }

    /// Records through these providers, instead of those current at the first statement. Call it before the pool is
    /// cloned or used: what was made from it earlier keeps its own.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        let observer = Observer::new::<DB>(self.observer.facts.clone(), Some(providers));
        Self {
            inner: self.inner,
            observer,
        }
    }

    /// The pool of sqlx. Statements run on it are not recorded.
    pub fn inner(&self) -> &sqlx::Pool<DB> {
        &self.inner
    }

    /// The pool of sqlx.
    pub fn into_inner(self) -> sqlx::Pool<DB> {
        self.inner
    }

    /// What is known of the database and stands on every span.
    pub fn facts(&self) -> &Facts {
        &self.observer.facts
    }

    /// Takes a connection, waiting for one to become free or opening one. If none is idle, that is a span of its own.
    ///
    /// # Errors
    ///
    /// [`Error::PoolTimedOut`], [`Error::PoolClosed`], or what connecting reports.
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<DB>, Error>> + Send + 'static + use<DB> {
        let pool = self.clone();
        async move {
            Ok(PoolConnection::new(
                acquire(&pool.inner, &pool.observer).await?,
                pool.observer,
            ))
        }
    }

    /// Takes a connection if one is idle.
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        Some(PoolConnection::new(
            self.inner.try_acquire()?,
            self.observer.clone(),
        ))
    }

    /// Begins a transaction on a connection of its own. The `BEGIN` span covers taking the connection too.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), or what the database answers.
    pub fn begin(
        &self,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB>
    {
        self.begin_observed(None)
    }

    /// Begins a transaction with a statement of its own, such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn begin_with<S: SqlSafeStr>(
        &self,
        statement: S,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB, S>
    {
        self.begin_observed(Some(statement.into_sql_str()))
    }

    /// Begins a transaction if a connection is idle.
    ///
    /// # Errors
    ///
    /// What the database answers.
    pub async fn try_begin(&self) -> Result<Option<Transaction<'static, DB>>, Error> {
        let Some(raw) = self.inner.try_acquire() else {
            return Ok(None);
        };
        let call = Call::new(&self.observer, &begin_sql(0), false);
        Transaction::start(call, self.observer.clone(), 1, future::ready(Ok(raw)), None)
            .await
            .map(Some)
    }

    fn begin_observed(
        &self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB>
    {
        let sql = statement.as_ref().map_or("BEGIN", SqlStr::as_str);
        let call = Call::new(&self.observer, sql, false);
        let pool = self.clone();
        let connection = async move { acquire(&pool.inner, &pool.observer).await };
        Transaction::start(call, self.observer.clone(), 1, connection, statement)
    }

    /// How many connections there are, idle and in use.
    pub fn size(&self) -> u32 {
        self.inner.size()
    }

    /// How many connections are idle.
    pub fn num_idle(&self) -> usize {
        self.inner.num_idle()
    }

    /// Refuses further use, waits until all connections are back, and closes them.
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.inner.close()
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl<DB: Backend> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            observer: self.observer.clone(),
        }
    }
}

impl<DB: Backend> From<sqlx::Pool<DB>> for Pool<DB> {
    fn from(pool: sqlx::Pool<DB>) -> Self {
        Self::new(pool)
    }
}
