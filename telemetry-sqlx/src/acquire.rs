//! `sqlx::Acquire`, for migrations and for functions that are generic over it.

use std::future;

use futures_core::future::BoxFuture;
use sqlx::{Acquire, Connection as _, Error};

use crate::{
    connection::{Connection, PoolConnection},
    database::Backend,
    pool::Pool,
    span::{Call, Observed, Rows},
    transaction::Transaction,
    wait::{Lease, acquire},
};

/// For `migrate!().run(&pool)` and functions that are generic over [`Acquire`].
///
/// The trait fixes what comes out: a type that dereferences to the driver's connection, and sqlx's own transaction. So
/// the wait for the connection and the `BEGIN` are recorded, and what is then run on them, and for how long, is not. Call
/// [`Pool::acquire`] and [`Pool::begin`] to have everything recorded.
impl<'a, DB: Backend> Acquire<'a> for &Pool<DB> {
    type Database = DB;
    type Connection = sqlx::pool::PoolConnection<DB>;

    fn acquire(self) -> BoxFuture<'a, Result<Self::Connection, Error>> {
        let pool = self.clone();
        Box::pin(async move {
            let mut lease = Lease::none();
            let connection = acquire(&pool, &mut lease).await?;
            lease.forget();
            Ok(connection)
        })
    }

    fn begin(self) -> BoxFuture<'a, Result<sqlx::Transaction<'a, DB>, Error>> {
        let call = Call::new(self.observer.clone(), "BEGIN", false);
        let pool = self.clone();
        let begin = async move {
            let mut lease = Lease::none();
            let connection = acquire(&pool, &mut lease).await?;
            let tx = sqlx::Transaction::begin(connection, None).await?;
            // Only now: a connection that does not begin goes back at once.
            lease.forget();
            Ok(tx)
        };
        Box::pin(Observed::new(call, begin, |_| Rows::Unknown))
    }
}

macro_rules! acquire_the_connection {
    ([$($lifetime:lifetime)?] $wrapper:ty) => {
        /// Gives the driver's connection, on which nothing is recorded; see the implementation for [`Pool`].
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
