//! The methods of connections that begin a transaction.

use std::future::{self, Future};

use sqlx::{Error, SqlStr};

use super::{Transaction, sql};
use crate::{
    backend::Backend,
    call::SqlCall,
    connection::{Connection, PoolConnection},
};

impl<DB: Backend> Connection<'_, DB> {
    /// Begins a transaction with this statement, or with the one of the driver. The statement has its own span.
    fn begin_observed(
        &mut self,
        statement: Option<SqlStr>,
    ) -> impl Future<Output = Result<Transaction<'_, DB>, Error>> + Send {
        let (observer, depth) = (self.observer.clone(), self.depth);
        let call = match &statement {
            Some(statement) => SqlCall::new(observer.clone(), statement.as_str(), false),
            None => SqlCall::new(observer.clone(), &sql::begin(depth), false),
        };
        // sqlx refuses a statement for a savepoint too, but then rolls back the transaction around it (0.9.0, SQLite).
        let connection = if depth > 0 && statement.is_some() {
            Err(Error::InvalidSavePointStatement)
        } else {
            Ok((self.inner_mut(), None))
        };
        Transaction::start(
            call,
            observer,
            depth + 1,
            future::ready(connection),
            statement,
        )
    }
}

/// Adds the methods that begin a transaction.
///
/// Each wrapper gets its own. `sqlx::Acquire` has a `begin` for `&mut wrapper` too. If that trait is imported, it wins
/// over a method that is only reached by dereferencing, and it returns a transaction that is not recorded.
macro_rules! begin_on {
    ($wrapper:ty) => {
        impl<DB: Backend> $wrapper {
            /// Begins a transaction, or sets a savepoint inside a transaction. The span is named `BEGIN` or `SAVEPOINT`.
            ///
            /// # Errors
            ///
            /// The error of the database.
            pub fn begin(
                &mut self,
            ) -> impl Future<Output = Result<Transaction<'_, DB>, Error>> + Send {
                self.begin_observed(None)
            }

            /// Begins a transaction with another statement, such as `BEGIN IMMEDIATE`.
            ///
            /// # Errors
            ///
            /// The error of the database. Inside a transaction [`sqlx::Error::InvalidSavePointStatement`], without
            /// running the statement.
            pub fn begin_with<S: sqlx::SqlSafeStr>(
                &mut self,
                statement: S,
            ) -> impl Future<Output = Result<Transaction<'_, DB>, Error>> + Send {
                self.begin_observed(Some(statement.into_sql_str()))
            }
        }
    };
}

begin_on!(Connection<'_, DB>);
begin_on!(PoolConnection<DB>);
begin_on!(Transaction<'_, DB>);
