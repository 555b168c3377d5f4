//! `sqlx::Acquire`, for migrations and for functions that are generic over it.

use std::future;

use futures_core::future::BoxFuture;
use sqlx::{Acquire, Connection as _, Error};

use crate::{
    backend::Backend,
    call::{SqlCall, future::CallFuture, rows::Rows},
    connection::{Connection, PoolConnection},
    pool::Pool,
    transaction::Transaction,
    wait::{self, lease::Lease},
};

/// For `migrate!().run(&pool)` and functions that are generic over [`Acquire`].
///
/// The trait fixes the types that it returns: one that dereferences to the driver's connection, and sqlx's own
/// transaction. So the wait for the connection and the `BEGIN` are recorded. The statements that then run, and the time
/// for which the connection is used, are not. Call [`Pool::acquire`] and [`Pool::begin`] to record everything.
impl<'a, DB: Backend> Acquire<'a> for &Pool<DB> {
    type Database = DB;
    type Connection = sqlx::pool::PoolConnection<DB>;

    fn acquire(self) -> BoxFuture<'a, Result<Self::Connection, Error>> {
        let pool = self.clone();
        Box::pin(async move {
            let mut lease = Lease::none();
            let connection = wait::acquire(&pool.inner, &pool.observer, &mut lease).await?;
            lease.forget();
            Ok(connection)
        })
    }

    fn begin(self) -> BoxFuture<'a, Result<sqlx::Transaction<'a, DB>, Error>> {
        let call = SqlCall::new(self.observer.clone(), "BEGIN", false);
        let pool = self.clone();
        let begin = async move {
            let mut lease = Lease::none();
            let connection = wait::acquire(&pool.inner, &pool.observer, &mut lease).await?;
            let tx = sqlx::Transaction::begin(connection, None).await?;
            // If the `BEGIN` fails, the connection returns at once, and its use is measured.
            lease.forget();
            Ok(tx)
        };
        Box::pin(CallFuture::new(call, begin, |_| Rows::Unknown))
    }
}

macro_rules! acquire_the_connection {
    ([$($lifetime:lifetime)?] $wrapper:ty) => {
        /// Returns the driver's connection. Nothing on it is recorded: see the implementation for [`Pool`].
        impl<'c, $($lifetime,)? DB: Backend> Acquire<'c> for &'c mut $wrapper {
            type Database = DB;
            type Connection = &'c mut DB::Connection;

            fn acquire(self) -> BoxFuture<'c, Result<Self::Connection, Error>> {
                Box::pin(future::ready(Ok(self.inner_mut())))
            }

            fn begin(self) -> BoxFuture<'c, Result<sqlx::Transaction<'c, DB>, Error>> {
                Box::pin(self.inner_mut().begin())
            }
        }
    };
}

acquire_the_connection!(['t] Connection<'t, DB>);
acquire_the_connection!([] PoolConnection<DB>);
acquire_the_connection!(['t] Transaction<'t, DB>);
