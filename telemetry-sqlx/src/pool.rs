//! The pool: its options, connections and transactions.

use std::{
    future::{self, Future},
    sync::Arc,
    time::Duration,
};

use sqlx::{ConnectOptions as _, Error, SqlSafeStr, SqlStr, pool::PoolOptions};
use telemetry_api::instrument::Providers;

use crate::{
    backend::{Backend, Facts},
    call::SqlCall,
    connection::PoolConnection,
    observer::Observer,
    options::Options,
    transaction::Transaction,
    wait::{self, lease::Lease},
};

/// The statement that drivers send to begin a transaction.
const BEGIN: &str = "BEGIN";

type ConnectOptions<DB> = <<DB as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// A pool of connections whose statements are recorded. A clone shares the pool and costs two reference counts.
///
/// `&pool` runs statements as a `&sqlx::Pool` does. The [crate](crate#what-is-recorded) lists the spans, metrics and
/// logs.
#[derive(Debug)]
pub struct Pool<DB: Backend> {
    pub(crate) inner: sqlx::Pool<DB>,
    pub(crate) observer: Arc<Observer>,
}

impl<DB: Backend> Pool<DB> {
    /// Records the statements of an existing pool.
    ///
    /// Connections that the pool opens from now on have no statement log of sqlx, because it repeats the spans.
    /// Connections that are open already keep their log.
    pub fn new(pool: sqlx::Pool<DB>) -> Self {
        let options = pool.connect_options();
        let facts = DB::facts(&options);
        pool.set_connect_options(ConnectOptions::<DB>::clone(&options).disable_statement_logging());
        Self::with_options(pool, Options::new(facts))
    }

    fn with_options(inner: sqlx::Pool<DB>, options: Options) -> Self {
        let observer = Observer::new(&inner, options);
        Self { inner, observer }
    }

    fn set(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.observer.options.clone();
        change(&mut options);
        Self::with_options(self.inner, options)
    }

    /// Connects to a URL with the default pool options and without sqlx's own statement log.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the URL is malformed, or the error of connecting.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url.parse()?).await
    }

    /// Connects with the default pool options and without sqlx's own statement log.
    ///
    /// # Errors
    ///
    /// The error of connecting.
    pub async fn connect_with(options: ConnectOptions<DB>) -> Result<Self, Error> {
        Self::connect_pool(PoolOptions::new(), options).await
    }

    /// Connects without sqlx's own statement log, because it repeats the spans. The span `pool.connect` covers it.
    ///
    /// A MySQL server is asked once if it is a MariaDB, which costs one round trip: see
    /// [`with_system_name`](Self::with_system_name).
    ///
    /// ```no_run
    /// use sqlx::sqlite::SqlitePoolOptions;
    /// use telemetry_sqlx::SqlitePool;
    ///
    /// # async fn example() -> sqlx::Result<()> {
    /// let options = SqlitePoolOptions::new().max_connections(5);
    /// let pool = SqlitePool::connect_pool(options, "sqlite://shop.db".parse()?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of connecting.
    pub async fn connect_pool(
        pool: PoolOptions<DB>,
        options: ConnectOptions<DB>,
    ) -> Result<Self, Error> {
        let options = options.disable_statement_logging();
        let mut ours = Options::new(DB::facts(&options));
        let connecting = async {
            let inner = pool.connect_with(options).await?;
            let system = DB::detect_system(&mut *inner.acquire().await?).await;
            Ok((inner, system))
        };
        let (inner, system) = wait::connect::<DB, _>(&ours.facts, connecting).await?;
        if let Some(system) = system {
            ours.facts.system = system;
        }
        Ok(Self::with_options(inner, ours))
    }

    /// Records through these providers. Default: the providers that are current when the pool is made or first used.
    ///
    /// Call this and the other `with_` methods before the pool is cloned or used. Clones and connections that exist
    /// already keep their own options.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        self.set(|options| options.providers = Some(providers))
    }

    /// The name of the pool in its metrics (`db.client.connection.pool.name`), for a process with several pools on one
    /// database. Default, by the semantic conventions: `server.address:server.port/db.namespace`.
    #[must_use]
    pub fn with_pool_name(self, name: impl Into<Arc<str>>) -> Self {
        self.set(|options| options.pool_name = Some(name.into()))
    }

    /// `db.system.name`, for a product that speaks the protocol of another one, such as `cockroachdb` or
    /// `aws.redshift`. Set `mariadb` if [`new`](Self::new) wraps a pool of sqlx, because it does not ask the server.
    /// Default: the name of the driver's own database.
    #[must_use]
    pub fn with_system_name(self, name: &'static str) -> Self {
        self.set(|options| options.facts.system = name)
    }

    /// The duration from which a call is slow: it is logged at `WARN`, and its span has `telemetry.slow_query`.
    /// Default: 250 ms. `None`: no call is slow.
    #[must_use]
    pub fn with_slow_threshold(self, threshold: impl Into<Option<Duration>>) -> Self {
        self.set(|options| options.slow_threshold = threshold.into())
    }

    /// Appends the trace context to the text of sampled statements as `/*traceparent='..'*/`, so that the logs and views
    /// of the database name the trace. Default: off.
    ///
    /// Cost: each text is then new, so the database parses and plans it again: see the [crate](crate#sql-commenter).
    #[must_use]
    pub fn with_sqlcommenter(self) -> Self {
        self.set(|options| options.sql_comments = true)
    }

    /// Records the histogram `db.client.response.returned_rows` too. Default: off. Spans have the number in any case.
    #[must_use]
    pub fn with_returned_rows(self) -> Self {
        self.set(|options| options.returned_rows = true)
    }

    /// The pool of sqlx. Statements that run on it are not recorded.
    pub fn inner(&self) -> &sqlx::Pool<DB> {
        &self.inner
    }

    /// The pool of sqlx.
    pub fn into_inner(self) -> sqlx::Pool<DB> {
        self.inner
    }

    /// The facts about the database that stand on every span.
    pub fn facts(&self) -> &Facts {
        &self.observer.options.facts
    }

    /// Takes a connection. If none is idle, it waits for one or opens one, in the span `pool.acquire`.
    ///
    /// # Errors
    ///
    /// [`Error::PoolTimedOut`], [`Error::PoolClosed`], or the error of connecting.
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<DB>, Error>> + Send + 'static + use<DB> {
        let pool = self.clone();
        async move {
            let mut lease = Lease::none();
            let raw = wait::acquire(&pool.inner, &pool.observer, &mut lease).await?;
            let lease = lease.into_owned(&pool.observer);
            Ok(PoolConnection::new(raw, lease, pool.observer))
        }
    }

    /// Takes a connection if one is idle, without waiting.
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        let (raw, lease) = wait::try_acquire(&self.inner, &self.observer)?;
        Some(PoolConnection::new(raw, lease, self.observer.clone()))
    }

    /// Takes a connection, and begins a transaction on it. The `BEGIN` span covers both.
    ///
    /// # Errors
    ///
    /// The errors of [`acquire`](Self::acquire), or the error of the database.
    pub fn begin(
        &self,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB>
    {
        self.begin_observed(None)
    }

    /// Begins a transaction with another statement, such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// The errors of [`begin`](Self::begin).
    pub fn begin_with<S: SqlSafeStr>(
        &self,
        statement: S,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB, S>
    {
        self.begin_observed(Some(statement.into_sql_str()))
    }

    /// Begins a transaction if a connection is idle. Returns `None` if none is.
    ///
    /// # Errors
    ///
    /// The error of the database.
    pub async fn try_begin(&self) -> Result<Option<Transaction<'static, DB>>, Error> {
        let Some((raw, lease)) = wait::try_acquire(&self.inner, &self.observer) else {
            return Ok(None);
        };
        let call = SqlCall::new(self.observer.clone(), BEGIN, false);
        let connection = future::ready(Ok((raw, Some(lease))));
        Transaction::start(call, self.observer.clone(), 1, connection, None)
            .await
            .map(Some)
    }

    fn begin_observed(
        &self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<Transaction<'static, DB>, Error>> + Send + 'static + use<DB>
    {
        let sql = statement.as_ref().map_or(BEGIN, SqlStr::as_str);
        let call = SqlCall::new(self.observer.clone(), sql, false);
        let pool = self.clone();
        let connection = async move {
            let mut lease = Lease::none();
            let raw = wait::acquire(&pool.inner, &pool.observer, &mut lease).await?;
            Ok((raw, Some(lease.into_owned(&pool.observer))))
        };
        Transaction::start(call, self.observer.clone(), 1, connection, statement)
    }

    /// The number of connections, idle and in use.
    pub fn size(&self) -> u32 {
        self.inner.size()
    }

    /// The number of idle connections.
    pub fn num_idle(&self) -> usize {
        self.inner.num_idle()
    }

    /// Refuses new calls, waits until all connections are returned, and closes them.
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.inner.close()
    }

    /// True after [`close`](Self::close) was called.
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
