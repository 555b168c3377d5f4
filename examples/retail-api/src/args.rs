//! The command line.

use std::{io, net::SocketAddr, path::PathBuf};

use clap::Parser;
use tokio::net::TcpListener;

/// The inner service of the retail example: inventory, payments and orders. Telemetry is set up by OTEL_* variables.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Where to listen for retail-web.
    #[arg(long, env = "RETAIL_API_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// The SQLite database; created and seeded if missing.
    #[arg(long, env = "RETAIL_DATABASE", default_value = "retail.db")]
    pub database: PathBuf,
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {reason}. Choose another address with --listen or RETAIL_API_LISTEN"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        reason: io::Error,
    },
    /// The database cannot be opened, created or written.
    #[error(
        "cannot use the database {path}: {reason}. Choose a writable path with --database or RETAIL_DATABASE"
    )]
    Database {
        /// The path asked for.
        path: String,
        /// SQLite's error.
        reason: sqlx::Error,
    },
}

/// Binds the address.
///
/// # Errors
///
/// When the address is taken or not ours.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| StartError::Listen { address, reason })
}
