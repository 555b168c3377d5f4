//! Transactions and savepoints.

mod begin;
mod sql;

use std::{
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use opentelemetry::{Context, KeyValue};
use sqlx::{Error, SqlStr};

use crate::{
    backend::Backend,
    call::{SqlCall, future::CallFuture, rows::Rows},
    connection::{Connection, Raw},
    observer::Observer,
    wait::lease::Lease,
};

/// The attribute of the `ROLLBACK` span of a transaction that was dropped.
const DROPPED: &str = "sqlx.transaction.dropped";

/// A transaction or savepoint. Its statements are recorded, and its begin and end too.
///
/// It ends with [`commit`](Self::commit) or [`rollback`](Self::rollback). If it is dropped, the driver rolls it back
/// later and does not report when. So the `ROLLBACK` span has no length and the attribute `sqlx.transaction.dropped`,
/// and the duration is not measured.
#[must_use = "a transaction is rolled back when dropped"]
pub struct Transaction<'c, DB: Backend> {
    // Fields are dropped in this order: the span is recorded before sqlx starts the rollback.
    rollback: RollbackOnDrop,
    /// Its `raw` is always `Raw::Transaction`.
    connection: Connection<'c, DB>,
}

impl<'c, DB: Backend> Transaction<'c, DB> {
    /// Waits for the connection, and begins a transaction on it. `call` covers both. `depth` is the number of open
    /// transactions and savepoints, this one included.
    pub(crate) fn start<C, F>(
        call: Option<SqlCall>,
        observer: Arc<Observer>,
        depth: usize,
        connection: F,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<Self, Error>> + Send + use<'c, DB, C, F>
    where
        C: Into<sqlx::pool::MaybePoolConnection<'c, DB>> + Send,
        F: Future<Output = Result<(C, Option<Lease>), Error>> + Send,
    {
        let begin = move |cx| async move {
            // sqlx documents two other ways. A pool would hide the wait, and a borrow would limit the lifetime.
            let (connection, lease) = connection.await?;
            let raw = sqlx::Transaction::begin(connection, statement).await?;
            let rollback = RollbackOnDrop {
                observer: observer.clone(),
                depth,
                cx,
                armed: true,
            };
            let connection = Connection {
                raw: Raw::Transaction(raw),
                observer,
                _lease: lease,
                depth,
            };
            Ok(Self {
                rollback,
                connection,
            })
        };
        async move {
            // The context outside of the `BEGIN` span: that span does not contain the end of the transaction.
            let begin = begin(Context::current());
            CallFuture::new(call, begin, |_| Rows::Unknown).await
        }
    }

    /// Commits the transaction, or releases the savepoint.
    ///
    /// # Errors
    ///
    /// The error of the database. The transaction is then rolled back.
    pub async fn commit(self) -> Result<(), Error> {
        let Self {
            connection,
            mut rollback,
        } = self;
        // If the caller drops the commit before its answer, the outcome is not known: no rollback is recorded.
        rollback.armed = false;
        let call = SqlCall::new(
            connection.observer.clone(),
            &sql::commit(connection.depth),
            false,
        );
        let commit = async {
            match connection.raw {
                Raw::Transaction(raw) => raw.commit().await,
                Raw::Pooled(_) => Ok(()),
            }
        };
        let result = CallFuture::new(call, commit, |()| Rows::Unknown).await;
        rollback.armed = result.is_err();
        result
    }

    /// Rolls back the transaction, or back to the savepoint.
    ///
    /// # Errors
    ///
    /// The error of the database.
    pub async fn rollback(self) -> Result<(), Error> {
        let Self {
            connection,
            mut rollback,
        } = self;
        rollback.armed = false;
        let call = SqlCall::new(
            connection.observer.clone(),
            &sql::rollback(connection.depth),
            false,
        );
        let run = async {
            match connection.raw {
                Raw::Transaction(raw) => raw.rollback().await,
                Raw::Pooled(_) => Ok(()),
            }
        };
        CallFuture::new(call, run, |()| Rows::Unknown).await
    }
}

/// Records the rollback that sqlx starts when its transaction is dropped.
struct RollbackOnDrop {
    observer: Arc<Observer>,
    depth: usize,
    /// The context in which the transaction began. At the drop there may be no context, or that of another trace: a
    /// server drops a request outside of the request's span when its client goes away.
    cx: Context,
    armed: bool,
}

impl Drop for RollbackOnDrop {
    fn drop(&mut self) {
        if self.armed
            && let Some(call) =
                SqlCall::new(self.observer.clone(), &sql::rollback(self.depth), false)
        {
            call.record_without_duration(&self.cx, KeyValue::new(DROPPED, true));
        }
    }
}

impl<'c, DB: Backend> Deref for Transaction<'c, DB> {
    type Target = Connection<'c, DB>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Backend> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<DB: Backend> AsMut<DB::Connection> for Transaction<'_, DB> {
    fn as_mut(&mut self) -> &mut DB::Connection {
        self.connection.inner_mut()
    }
}

impl<DB: Backend> fmt::Debug for Transaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("database", &DB::NAME)
            .finish_non_exhaustive()
    }
}
