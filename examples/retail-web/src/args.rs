//! The command line.

use std::{io, net::SocketAddr};

use clap::Parser;
use tokio::net::TcpListener;

/// The public service of the retail example: POST /checkout/execute. Telemetry is set up by OTEL_* variables.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Where to listen for customers.
    #[arg(long, env = "RETAIL_WEB_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The base URL of retail-api.
    #[arg(long, env = "RETAIL_API_URL", default_value = "http://127.0.0.1:8081")]
    pub api: String,
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error(
        "cannot listen on {address}: {reason}. Choose another address with --listen or RETAIL_WEB_LISTEN"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        reason: io::Error,
    },
    /// The base URL is none.
    #[error(
        "{url:?} is not a URL of retail-api: {reason}. Correct it with --api or RETAIL_API_URL"
    )]
    Api {
        /// The URL asked for.
        url: String,
        /// The fault of the value.
        reason: String,
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
