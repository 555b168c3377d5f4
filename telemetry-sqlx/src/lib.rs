#![doc = include_str!("../README.md")]

mod acquire;
mod comment;
mod connection;
mod database;
mod driver;
mod executor;
mod failure;
mod generator;
mod metrics;
#[cfg(feature = "mysql")]
mod mysql;
mod observer;
mod pool;
mod pool_metrics;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod settings;
mod slow;
mod span;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod transaction;
mod wait;

pub use connection::{Connection, PoolConnection};
pub use database::{Backend, Facts};
pub use pool::Pool;
pub use transaction::Transaction;

/// A [`Pool`] of SQLite connections.
#[cfg(feature = "sqlite")]
pub type SqlitePool = Pool<sqlx::Sqlite>;

/// A [`Connection`] to SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteConnection<'c> = Connection<'c, sqlx::Sqlite>;

/// A [`Transaction`] of SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteTransaction<'c> = Transaction<'c, sqlx::Sqlite>;

/// A [`Pool`] of PostgreSQL connections.
#[cfg(feature = "postgres")]
pub type PgPool = Pool<sqlx::Postgres>;

/// A [`Connection`] to PostgreSQL.
#[cfg(feature = "postgres")]
pub type PgConnection<'c> = Connection<'c, sqlx::Postgres>;

/// A [`Transaction`] of PostgreSQL.
#[cfg(feature = "postgres")]
pub type PgTransaction<'c> = Transaction<'c, sqlx::Postgres>;

/// A [`Pool`] of MySQL or MariaDB connections.
#[cfg(feature = "mysql")]
pub type MySqlPool = Pool<sqlx::MySql>;

/// A [`Connection`] to MySQL or MariaDB.
#[cfg(feature = "mysql")]
pub type MySqlConnection<'c> = Connection<'c, sqlx::MySql>;

/// A [`Transaction`] of MySQL or MariaDB.
#[cfg(feature = "mysql")]
pub type MySqlTransaction<'c> = Transaction<'c, sqlx::MySql>;
