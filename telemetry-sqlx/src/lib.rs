//! Database client spans and metrics for sqlx: a pool, a connection and a transaction that stand in for sqlx's own.
//!
//! ```no_run
//! use telemetry_sqlx::SqlitePool;
//!
//! # async fn example() -> sqlx::Result<()> {
//! let pool = SqlitePool::connect("sqlite://shop.db").await?;
//!
//! let price: i64 = sqlx::query_scalar("SELECT price FROM products WHERE id = ?").bind(7).fetch_one(&pool).await?;
//!
//! let mut tx = pool.begin().await?;
//! sqlx::query("INSERT INTO orders (product, price) VALUES (?, ?)").bind(7).bind(price).execute(&mut tx).await?;
//! tx.commit().await?;
//! # Ok(()) }
//! ```
//!
//! Queries stay as they are: `&pool`, `&mut connection`, `&mut *connection`, `&mut tx` and `&mut *tx` are
//! [`sqlx::Executor`]s. A pool that exists already is wrapped by `Pool::from(pool)`; connect it with
//! [`disable_statement_logging`](sqlx::ConnectOptions::disable_statement_logging), else sqlx logs each statement that a
//! span tells of. The constructors of [`Pool`] do that. A function that takes `&mut SqliteConnection` of sqlx takes
//! [`&mut SqliteConnection<'_>`](SqliteConnection) of this crate instead.
//!
//! Where nothing is set up (see `telemetry_core::bootstrap`) everything works and nothing is recorded.
//!
//! # What is recorded
//!
//! Names and attributes follow the OpenTelemetry semantic conventions 1.44 for SQL database clients.
//!
//! | What | Kind | When |
//! |---|---|---|
//! | span, named as `db.query.summary`, such as `SELECT products` | client | each call that runs SQL, from its first poll to its result, or to the end, error or drop of its stream; waiting for a connection included |
//! | span `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `RELEASE` | client | a transaction or savepoint begins or ends |
//! | span `ROLLBACK` of no length | client | a transaction is dropped |
//! | span `PREPARE ..` | client | `prepare` is called; not for statements the driver prepares on its own |
//! | span `pool.acquire` | internal | a connection is needed and none is idle: waiting for one to be free, or opening one |
//! | histogram `db.client.operation.duration`, seconds, with exemplars | | once for each client span, except the rollback of a dropped transaction |
//!
//! | Attribute | On | Value |
//! |---|---|---|
//! | `db.system.name` | all | `sqlite` |
//! | `db.namespace` | all | the name of the database file without its directory, or `:memory:` |
//! | `db.query.summary` | client spans, metric | operations and their targets, such as `INSERT orders` |
//! | `db.query.text` | client spans | as written if values are bound to it, else with `?` for every literal and without comments; cut at 16 KiB |
//! | `db.response.returned_rows` | client spans of `fetch*` | rows handed to the caller, also if it stopped early or an error came |
//! | `error.type` | all, on failure | see below |
//! | `db.response.status_code` | all, if the database refused | SQLite's extended result code, such as `2067` |
//! | `telemetry.outcome` | all, if dropped while waiting | `cancelled` |
//! | `sqlx.transaction.dropped` | the `ROLLBACK` span of a dropped transaction | `true` |
//!
//! `db.operation.name` and `db.collection.name` are absent: the convention does not want them taken from the text.
//! `server.address` is absent: SQLite has no server.
//!
//! `error.type` is the database's code, or `pool_timed_out`, `pool_closed`, `worker_crashed`, `io`, `tls`, `protocol`,
//! `configuration`, `invalid_argument`, `encode`, `decode`, `begin_failed`, `invalid_savepoint`, `database` (no code),
//! `panic`, or `_OTHER`. Such spans have the status error; nothing is ever set on the caller's span. Not failures: a
//! call dropped while it waits for the database, which has `telemetry.outcome` = `cancelled` instead; [`sqlx::Error::RowNotFound`], which is an
//! answer of the database; dropping a stream after one of its rows; what fails in Rust after the database has answered,
//! such as a row that does not fit its struct.
//!
//! The status carries the error's message only where it cannot quote a value: constraints (they name columns), fixed
//! texts of SQLite, the pool's errors. A syntax error is just that, since SQLite quotes the place.
//!
//! Waiting for the pool is a span and not an event because it is time, and a trace shows time as spans. It exists only
//! if no connection was idle when the call began, so the usual case costs one atomic load.
//!
//! # Bounds
//!
//! A pool remembers the analysis of 1,000 statement texts; more are analysed each time. It has 1,000 series; further
//! ones share `otel.metric.overflow`. Bind values instead of writing them into the text and neither is ever reached.
//!
//! # What is not recorded
//!
//! Through [`sqlx::Acquire`] sqlx hands out the driver's connection and its own transaction, so of functions that are
//! generic over it, and of migrations, only the waiting and the pool's `BEGIN` are seen. The same holds for
//! [`Connection::inner_mut`] and [`Pool::inner`].

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
