//! A server to send requests to, on one thread.

use std::env;

use tokio::net::TcpListener;

use crate::{export, sdk::current::Sdk, server::Server};

/// Until a signal comes. `exporter` is `none`, which forgets spans, or `otlp`, to `OTEL_EXPORTER_OTLP_ENDPOINT`.
pub fn serve(variant: &str, port: u16, exporter: &str) -> Option<bool> {
    let mut sdk = Sdk::new(false);
    if exporter == "otlp" {
        let endpoint = env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok()?;
        sdk = sdk.with_tracers(export::provider("http", &endpoint));
    }
    // Ours brings its own exporter.
    let variant = if (variant, exporter) == ("ours", "otlp") {
        "ours-pipeline"
    } else {
        variant
    };
    let server = Server::with_sdk(variant, false, sdk.clone())?;
    let app = server.app.clone();
    let served: std::io::Result<()> = server.runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        println!("listening on {}", listener.local_addr()?);
        let stop = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        tokio::select! {
            served = axum::serve(listener, app) => served,
            () = stop => Ok(()),
        }
    });
    // Items that are still in a queue shall arrive.
    let sent = exporter != "otlp" || sdk.tracers.shutdown().is_ok();
    Some(served.is_ok() && server.finish() && sent)
}
