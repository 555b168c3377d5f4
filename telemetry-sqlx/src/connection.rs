//! Connections taken from a pool.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use crate::{backend::Backend, observer::Observer, wait::lease::Lease};

/// A connection whose statements are recorded. [`PoolConnection`] and [`Transaction`](crate::Transaction) dereference
/// to it.
///
/// A function that needs one connection takes `&mut` this type, where plain sqlx code takes `&mut SqliteConnection`.
/// Callers pass `&mut connection` or `&mut tx`.
///
/// ```
/// use telemetry_sqlx::SqliteConnection;
///
/// async fn price(connection: &mut SqliteConnection<'_>, id: i64) -> sqlx::Result<i64> {
///     sqlx::query_scalar("SELECT price FROM products WHERE id = ?").bind(id).fetch_one(connection).await
/// }
/// ```
pub struct Connection<'c, DB: Backend> {
    pub(crate) raw: Raw<'c, DB>,
    pub(crate) observer: Arc<Observer>,
    /// `None` inside a transaction on a borrowed connection.
    pub(crate) _lease: Option<Lease>,
    /// The number of open transactions and savepoints.
    pub(crate) depth: usize,
}

/// The type of sqlx that holds the driver's connection.
pub(crate) enum Raw<'c, DB: Backend> {
    Pooled(sqlx::pool::PoolConnection<DB>),
    Transaction(sqlx::Transaction<'c, DB>),
}

impl<DB: Backend> Connection<'_, DB> {
    /// The driver's connection.
    pub fn inner(&self) -> &DB::Connection {
        match &self.raw {
            Raw::Pooled(raw) => raw,
            Raw::Transaction(raw) => raw,
        }
    }

    /// The driver's connection. Statements that run on it are not recorded.
    pub fn inner_mut(&mut self) -> &mut DB::Connection {
        match &mut self.raw {
            Raw::Pooled(raw) => raw,
            Raw::Transaction(raw) => raw,
        }
    }

    /// The driver's connection, and the observer of its calls.
    pub(crate) fn parts(&mut self) -> (&mut DB::Connection, &Observer) {
        let connection = match &mut self.raw {
            Raw::Pooled(raw) => &mut **raw,
            Raw::Transaction(raw) => &mut **raw,
        };
        (connection, &self.observer)
    }
}

impl<DB: Backend> AsMut<DB::Connection> for Connection<'_, DB> {
    fn as_mut(&mut self) -> &mut DB::Connection {
        self.inner_mut()
    }
}

impl<DB: Backend> fmt::Debug for Connection<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("database", &DB::NAME)
            .finish_non_exhaustive()
    }
}

/// A [`Connection`] that goes back to its pool when dropped.
#[derive(Debug)]
pub struct PoolConnection<DB: Backend>(Connection<'static, DB>);

impl<DB: Backend> PoolConnection<DB> {
    pub(crate) fn new(
        raw: sqlx::pool::PoolConnection<DB>,
        lease: Lease,
        observer: Arc<Observer>,
    ) -> Self {
        Self(Connection {
            raw: Raw::Pooled(raw),
            observer,
            _lease: Some(lease),
            depth: 0,
        })
    }
}

impl<DB: Backend> Deref for PoolConnection<DB> {
    type Target = Connection<'static, DB>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Backend> DerefMut for PoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
