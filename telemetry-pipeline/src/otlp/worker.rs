//! The exporter's thread: a runtime of its own, with telemetry suppressed.
//!
//! So it works whatever runtime the application has, cannot wait for the application's threads at shutdown, and the
//! export's own requests are not traced.

use std::{io, mem, thread};

use opentelemetry::Context;
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Runs the export loops until dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    // Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            // Names are resolved on threads beside this one.
            .on_thread_start(|| mem::forget(Context::enter_telemetry_suppressed_scope()))
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("telemetry-export".to_owned())
            .spawn(move || {
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // Ends with an error when the sender is dropped, which is the signal to stop.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            _stop: stop,
        })
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(future);
    }

    /// Enters the worker's runtime, which clients need while they are built.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }
}
