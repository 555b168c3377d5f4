#![doc = include_str!("../README.md")]

// The modules form a line. Each one uses only modules that stand after it here:
//
//   sqlite, postgres, mysql   one database each, behind the cargo feature of the same name
//   acquire                   sqlx::Acquire: migrations and code that is generic over that trait
//   executor                  sqlx::Executor: runs statements on a pool or a connection
//   pool                      Pool: options, connections, transactions
//   transaction               Transaction: begin, commit, rollback, savepoints
//   connection                Connection, PoolConnection
//   wait                      takes a connection from the pool and measures the wait and the use
//   call                      the span of one call: start, end, rows, slow-query log
//   observer                  the state that a pool shares with its connections
//   statement                 the analysis of statement texts, and its cache
//   metrics                   instruments and their series
//   options                   the choices behind the `with_` methods of a pool
//   error_type, outcome       the values of `error.type` and `telemetry.outcome`
//   backend                   the trait that a database implements, and its facts
//   query                     a query taken apart, and the SQL commenter
use cfg_if::cfg_if;

mod acquire;
mod backend;
mod call;
mod connection;
mod error_type;
mod executor;
mod metrics;
mod observer;
mod options;
mod outcome;
mod pool;
mod query;
mod statement;
mod transaction;
mod wait;

pub use backend::{Backend, Facts};
pub use connection::{Connection, PoolConnection};
pub use pool::Pool;
pub use transaction::Transaction;

cfg_if! {
    if #[cfg(feature = "mysql")] {
        mod mysql;
        pub use mysql::{MySqlConnection, MySqlPool, MySqlTransaction};
    }
}

cfg_if! {
    if #[cfg(feature = "postgres")] {
        mod postgres;
        pub use postgres::{PgConnection, PgPool, PgTransaction};
    }
}

cfg_if! {
    if #[cfg(feature = "sqlite")] {
        mod sqlite;
        pub use sqlite::{SqliteConnection, SqlitePool, SqliteTransaction};
    }
}
