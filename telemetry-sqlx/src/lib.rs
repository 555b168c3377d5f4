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
#[cfg(feature = "mysql")]
pub use mysql::{MySqlConnection, MySqlPool, MySqlTransaction};
pub use pool::Pool;
#[cfg(feature = "postgres")]
pub use postgres::{PgConnection, PgPool, PgTransaction};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteConnection, SqlitePool, SqliteTransaction};
pub use transaction::Transaction;
