//! Transactions and savepoints.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use opentelemetry::{Context, KeyValue};
use sqlx::{Error, SqlStr};

use crate::{
    connection::{Connection, Raw, begins_transactions},
    database::Backend,
    observer::Observer,
    span::{Call, Observed, Rows},
    wait::Lease,
};

/// The attribute of the `ROLLBACK` span of a transaction that was dropped.
const DROPPED: &str = "sqlx.transaction.dropped";

/// A transaction or savepoint whose statements are recorded, and its begin and end too.
///
/// Ends with [`commit`](Self::commit) or [`rollback`](Self::rollback). Dropping it rolls back: the driver does so
/// later and without telling, so the `ROLLBACK` span has no length, the attribute `sqlx.transaction.dropped`, and no
/// part in the duration metric.
#[must_use = "a transaction is rolled back when dropped"]
pub struct Transaction<'c, DB: Backend> {
    // Dropped first: the span comes before what it tells of.
    rollback: RollbackOnDrop,
    /// Always holds sqlx's transaction.
    connection: Connection<'c, DB>,
}

impl<'c, DB: Backend> Transaction<'c, DB> {
    /// Begins on a connection to come; `call` covers the whole. `depth` is how many transactions and savepoints there
    /// will then be.
    pub(crate) fn start<C, F>(
        call: Option<Call>,
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
            // The documented ways to begin take a pool, which hides the wait, or a borrowed connection.
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
            // Outside of the span of the beginning, which does not contain the end.
            let begin = begin(Context::current());
            Observed::new(call, begin, |_| Rows::Unknown).await
        }
    }

    /// Commits the transaction, or releases the savepoint.
    ///
    /// # Errors
    ///
    /// What the database answers; the transaction is then rolled back.
    pub async fn commit(self) -> Result<(), Error> {
        let Self {
            connection,
            mut rollback,
        } = self;
        // Given up half-way nobody knows how it ended.
        rollback.armed = false;
        let call = Call::new(
            connection.observer.clone(),
            &commit_sql(connection.depth),
            false,
        );
        let commit = async {
            match connection.raw {
                Raw::Transaction(raw) => raw.commit().await,
                Raw::Pooled(_) => Ok(()),
            }
        };
        let result = Observed::new(call, commit, |()| Rows::Unknown).await;
        rollback.armed = result.is_err();
        result
    }

    /// Rolls back the transaction, or back to the savepoint.
    ///
    /// # Errors
    ///
    /// What the database answers.
    pub async fn rollback(self) -> Result<(), Error> {
        let Self {
            connection,
            mut rollback,
        } = self;
        rollback.armed = false;
        let call = Call::new(
            connection.observer.clone(),
            &rollback_sql(connection.depth),
            false,
        );
        let run = async {
            match connection.raw {
                Raw::Transaction(raw) => raw.rollback().await,
                Raw::Pooled(_) => Ok(()),
            }
        };
        Observed::new(call, run, |()| Rows::Unknown).await
    }
}

begins_transactions!(Transaction<'_, DB>);

/// Tells of the rollback that sqlx starts when its transaction is dropped.
struct RollbackOnDrop {
    observer: Arc<Observer>,
    depth: usize,
    /// Where the transaction began. Where it is dropped may be nowhere, or in somebody else's trace: a request whose
    /// client has gone is dropped outside of it.
    cx: Context,
    armed: bool,
}

impl Drop for RollbackOnDrop {
    fn drop(&mut self) {
        if self.armed
            && let Some(call) = Call::new(self.observer.clone(), &rollback_sql(self.depth), false)
        {
            call.mark(&self.cx, KeyValue::new(DROPPED, true));
        }
    }
}

// What the drivers send, which they do not tell. `depth` counts the transaction and its savepoints: before it begins,
// and while it lasts.

pub(crate) fn begin_sql(depth: usize) -> Cow<'static, str> {
    match depth {
        0 => "BEGIN".into(),
        _ => format!("SAVEPOINT _sqlx_savepoint_{depth}").into(),
    }
}

fn commit_sql(depth: usize) -> Cow<'static, str> {
    match depth {
        0 | 1 => "COMMIT".into(),
        _ => format!("RELEASE SAVEPOINT _sqlx_savepoint_{}", depth - 1).into(),
    }
}

fn rollback_sql(depth: usize) -> Cow<'static, str> {
    match depth {
        0 | 1 => "ROLLBACK".into(),
        _ => format!("ROLLBACK TO SAVEPOINT _sqlx_savepoint_{}", depth - 1).into(),
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
