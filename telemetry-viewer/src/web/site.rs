//! The state that all pages share.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::Semaphore;

use crate::store::Store;

/// The number of traces or logs that a listing shows by default.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// The store and the addresses, for every page.
#[derive(Clone)]
pub(crate) struct Web {
    pub(super) store: Store,
    pub(super) grpc: SocketAddr,
    pub(super) http: SocketAddr,
    /// Pages in the making, so that they leave a processor to those who send.
    pub(super) at_work: Arc<Semaphore>,
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
