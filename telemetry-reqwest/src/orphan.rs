//! The log of a call outside of any span.

use std::sync::atomic::{AtomicBool, Ordering};

/// Logs the first call that starts a trace of its own. A background job may want that. A task that lost its context does
/// not, and the log is how a developer notices.
#[derive(Debug, Default)]
pub(crate) struct OrphanLog {
    logged: AtomicBool,
}

impl OrphanLog {
    pub(crate) fn log_once(&self) {
        if !self.logged.load(Ordering::Relaxed) && !self.logged.swap(true, Ordering::Relaxed) {
            log();
        }
    }
}

#[cold]
fn log() {
    tracing::debug!(
        target: "telemetry",
        "a call was made outside of any span and starts a trace of its own; if it belongs to a request, spawn its \
         task with telemetry_api::task::InCurrentContext (reported once)"
    );
}
