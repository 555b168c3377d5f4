//! Shows what the store holds: JSON for programs, plain text for terminals, pages for people.

mod api;
mod assets;
mod clear;
mod compare;
mod copy;
mod export;
mod guard;
mod layout;
mod logs;
mod map;
mod metrics;
mod plain;
mod routes;
mod safe;
mod services;
mod sparkline;
mod trace;
mod traces;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::hosts::Hosts;
use crate::store::Store;

/// How many traces or logs a listing shows unless asked otherwise.
const DEFAULT_LIMIT: usize = 100;

/// What every page needs.
#[derive(Clone)]
pub(crate) struct Web {
    store: Store,
    grpc: SocketAddr,
    http: SocketAddr,
    /// Pages in the making, so that they leave a processor to those who send.
    at_work: Arc<Semaphore>,
}

impl Web {
    pub(crate) fn new(store: Store, grpc: SocketAddr, http: SocketAddr) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            grpc,
            http,
            at_work: Arc::new(Semaphore::new((processors - 1).max(1))),
        }
    }
}

/// Everything a reader can ask for.
pub(crate) fn router(web: Web, hosts: Hosts) -> Router {
    let pages = Router::new()
        .merge(traces::router())
        .merge(trace::router())
        .merge(compare::router())
        .merge(copy::router())
        .merge(logs::router())
        .merge(routes::router())
        .merge(metrics::router())
        .merge(map::router())
        .merge(plain::router())
        .merge(clear::router())
        .merge(api::router())
        .merge(export::router())
        .with_state(web);
    guard::guarded(pages.merge(assets::router()), hosts).fallback(async || {
        let message = "no such page; see / for the web page and /api/traces for the API\n";
        (StatusCode::NOT_FOUND, message)
    })
}
