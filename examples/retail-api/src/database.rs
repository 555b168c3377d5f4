//! The database: schema, seed, readiness.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Executor,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use telemetry_sqlx::SqlitePool;

use crate::{StartError, outbox};

/// Tables, and stock for them. A payment is `authorized` until an order captures it.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS inventory (
    sku TEXT PRIMARY KEY,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    unit_price_cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS payments (
    id INTEGER PRIMARY KEY,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    card TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'authorized'
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL REFERENCES inventory (sku),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    payment_id INTEGER NOT NULL UNIQUE REFERENCES payments (id)
);
INSERT OR IGNORE INTO inventory (sku, quantity, unit_price_cents) VALUES
    ('SKU-1', 1000000, 1999),
    ('SKU-2', 25, 4950),
    ('SKU-SOLD-OUT', 0, 999);
";

/// Opens the database, and creates and seeds it if it is missing.
///
/// # Errors
///
/// When it cannot be opened, created or written.
pub async fn open(path: &Path) -> Result<SqlitePool, StartError> {
    let fail = |reason| StartError::Database {
        path: path.display().to_string(),
        reason,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(5))
        // The telemetry pool says it better.
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(8)
        .connect_with(options)
        .await
        .map_err(fail)?;
    // On the pool itself, so that starting up is no trace.
    pool.execute(SCHEMA).await.map_err(fail)?;
    pool.execute(outbox::SCHEMA).await.map_err(fail)?;
    Ok(SqlitePool::from(pool))
}

pub(crate) async fn reachable(pool: SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1")
        .execute(pool.inner())
        .await
        .map(drop)
}
