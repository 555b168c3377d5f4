//! Connections taken from a pool.

use std::{
    fmt,
    future::{self, Future},
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{Error, SqlStr};

use crate::{
    database::Backend,
    observer::Observer,
    span::Call,
    transaction::{Transaction, begin_sql},
    wait::Lease,
};

/// A connection whose statements are recorded: what [`PoolConnection`] and [`Transaction`] dereference to.
///
/// The type to take in functions that need one connection, where plain sqlx code takes `&mut SqliteConnection`: pass
/// `&mut connection` or `&mut tx`.
pub struct Connection<'c, DB: Backend> {
    pub(crate) raw: Raw<'c, DB>,
    pub(crate) observer: Arc<Observer>,
    /// Of a connection that belongs to a pool.
    pub(crate) _lease: Option<Lease>,
    /// How many transactions and savepoints are open.
    pub(crate) depth: usize,
}

/// What sqlx holds the driver's connection in.
pub(crate) enum Raw<'c, DB: Backend> {
    Pooled(sqlx::pool::PoolConnection<DB>),
    Transaction(sqlx::Transaction<'c, DB>),
}

impl<DB: Backend> Connection<'_, DB> {
    /// The connection of the driver.
    pub fn inner(&self) -> &DB::Connection {
        match &self.raw {
            Raw::Pooled(raw) => raw,
            Raw::Transaction(raw) => raw,
        }
    }

    /// The connection of the driver. Statements run on it are not recorded.
    pub fn inner_mut(&mut self) -> &mut DB::Connection {
        match &mut self.raw {
            Raw::Pooled(raw) => raw,
            Raw::Transaction(raw) => raw,
        }
    }

    /// The connection of the driver, and who observes it.
    pub(crate) fn parts(&mut self) -> (&mut DB::Connection, &Observer) {
        let connection = match &mut self.raw {
            Raw::Pooled(raw) => &mut **raw,
            Raw::Transaction(raw) => &mut **raw,
        };
        (connection, &self.observer)
    }

    /// Begins, with a span for the statement.
    pub(crate) fn begin_observed(
        &mut self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<Transaction<'_, DB>, Error>> + Send {
        let call = match &statement {
            Some(statement) => Call::new(self.observer.clone(), statement.as_str(), false),
            None => Call::new(self.observer.clone(), &begin_sql(self.depth), false),
        };
        let (observer, depth) = (self.observer.clone(), self.depth);
        // sqlx refuses this too, but then rolls back the transaction around it (0.9.0, SQLite).
        let connection = if depth > 0 && statement.is_some() {
            Err(Error::InvalidSavePointStatement)
        } else {
            Ok(self.inner_mut())
        };
        Transaction::start(
            call,
            observer,
            depth + 1,
            future::ready(connection.map(|connection| (connection, None))),
            statement,
        )
    }
}

/// Adds the methods that begin a transaction.
///
/// To each wrapper by itself: while `sqlx::Acquire` is imported, its `begin` for `&mut wrapper` would win over a method
/// that is only reached by dereferencing, and what it gives is not recorded.
macro_rules! begins_transactions {
    ($wrapper:ty) => {
        impl<DB: Backend> $wrapper {
            /// Begins a transaction, or sets a savepoint inside of one. Recorded as `BEGIN` or `SAVEPOINT`.
            ///
            /// # Errors
            ///
            /// What the database answers.
            pub fn begin(
                &mut self,
            ) -> impl Future<Output = Result<$crate::Transaction<'_, DB>, sqlx::Error>> + Send {
                self.begin_observed(None)
            }

            /// Begins a transaction with a statement of its own, such as `BEGIN IMMEDIATE`.
            ///
            /// # Errors
            ///
            /// What the database answers; [`sqlx::Error::InvalidSavePointStatement`] inside of a transaction.
            pub fn begin_with<S: sqlx::SqlSafeStr>(
                &mut self,
                statement: S,
            ) -> impl Future<Output = Result<$crate::Transaction<'_, DB>, sqlx::Error>> + Send {
                self.begin_observed(Some(statement.into_sql_str()))
            }
        }
    };
}

pub(crate) use begins_transactions;

begins_transactions!(Connection<'_, DB>);
begins_transactions!(PoolConnection<DB>);

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
