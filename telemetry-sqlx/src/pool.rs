//! The pool.

use std::{
    future::{self, Future},
    sync::Arc,
    time::Duration,
};

use sqlx::{ConnectOptions as _, Error, SqlSafeStr, SqlStr, pool::PoolOptions};
use telemetry_api::instrument::Providers;

use crate::{
    connection::PoolConnection,
    database::{Backend, Facts},
    observer::Observer,
    settings::Settings,
    span::Call,
    transaction::{Transaction, begin_sql},
    wait::{Lease, acquire, connect, try_acquire},
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
    /// Turns off sqlx's own statement log, which would say what the spans say, for the connections that the pool opens
    /// from here on. For those that are open the log stays as it is.
    pub fn new(pool: sqlx::Pool<DB>) -> Self {
        let options = pool.connect_options();
        let facts = DB::facts(&options);
        pool.set_connect_options(Options::<DB>::clone(&options).disable_statement_logging());
        Self::of(pool, Settings::new(facts))
    }

    fn of(inner: sqlx::Pool<DB>, settings: Settings) -> Self {
        let observer = Observer::new(&inner, settings);
        Self { inner, observer }
    }

    fn set(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.observer.settings.clone();
        change(&mut settings);
        Self::of(self.inner, settings)
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

    /// Connects without sqlx's own statement log, which would say what the spans say, as a span of its own. Asks a MySQL
    /// server once whether it is a MariaDB, see [`with_system_name`](Self::with_system_name).
    ///
    /// # Errors
    ///
    /// What connecting reports.
    pub async fn connect_pool(pool: PoolOptions<DB>, options: Options<DB>) -> Result<Self, Error> {
        let options = options.disable_statement_logging();
        let mut settings = Settings::new(DB::facts(&options));
        let connecting = async {
            let inner = pool.connect_with(options).await?;
            let system = DB::detect_system(&mut *inner.acquire().await?).await;
            Ok((inner, system))
        };
        let (inner, system) = connect::<DB, _>(&settings.facts, connecting).await?;
        if let Some(system) = system {
            settings.facts.system = system;
        }
        Ok(Self::of(inner, settings))
    }

    // Called before the pool is cloned or used: what was made from it earlier keeps its own settings.

    /// Records through these providers, instead of those current when the pool is made or first used. Like the other
    /// `with_` methods for what is made from the pool afterwards.
    #[must_use]
    pub fn with_providers(self, providers: Providers) -> Self {
        self.set(|settings| settings.providers = Some(providers))
    }

    /// The name of the pool in its metrics, for a process with several pools on one database. Default, by the
    /// convention: `server.address:server.port/db.namespace`.
    #[must_use]
    pub fn with_pool_name(self, name: impl Into<Arc<str>>) -> Self {
        self.set(|settings| settings.pool_name = Some(name.into()))
    }

    /// `db.system.name`, for products that speak another's protocol: `mariadb` where a pool of sqlx is wrapped and
    /// nobody asked the server, `cockroachdb`, `aws.redshift`.
    #[must_use]
    pub fn with_system_name(self, name: &'static str) -> Self {
        self.set(|settings| settings.facts.system = name)
    }

    /// From which duration on a call is logged as slow and its span marked. Default: 250 ms; `None` never does.
    #[must_use]
    pub fn with_slow_threshold(self, threshold: impl Into<Option<Duration>>) -> Self {
        self.set(|settings| settings.slow = threshold.into())
    }

    /// Appends the trace context to the text of sampled statements, `/*traceparent='..'*/`, so that the database's own
    /// logs and views name the trace. Default: no.
    ///
    /// Each text is then a new one, so the driver prepares it for this one use: see the [crate](crate#sql-commenter).
    #[must_use]
    pub fn with_sqlcommenter(self) -> Self {
        self.set(|settings| settings.comments = true)
    }

    /// Records the histogram `db.client.response.returned_rows` too. Default: no; spans carry the number anyway.
    #[must_use]
    pub fn with_returned_rows(self) -> Self {
        self.set(|settings| settings.returned_rows = true)
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
        &self.observer.settings.facts
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
            let mut lease = Lease::none();
            let raw = acquire(&pool, &mut lease).await?;
            let lease = lease.into_owned(&pool.observer);
            Ok(PoolConnection::new(raw, lease, pool.observer))
        }
    }

    /// Takes a connection if one is idle.
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        let (raw, lease) = try_acquire(self)?;
        Some(PoolConnection::new(raw, lease, self.observer.clone()))
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
        let Some((raw, lease)) = try_acquire(self) else {
            return Ok(None);
        };
        let call = Call::new(self.observer.clone(), &begin_sql(0), false);
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
        let sql = statement.as_ref().map_or("BEGIN", SqlStr::as_str);
        let call = Call::new(self.observer.clone(), sql, false);
        let pool = self.clone();
        let connection = async move {
            let mut lease = Lease::none();
            let raw = acquire(&pool, &mut lease).await?;
            Ok((raw, Some(lease.into_owned(&pool.observer))))
        };
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
