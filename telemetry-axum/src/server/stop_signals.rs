//! The signals that stop a server: SIGTERM and SIGINT, or Ctrl-C where there are no signals.

#[cfg(unix)]
pub(crate) use self::unix::StopSignals;

#[cfg(not(unix))]
pub(crate) use self::other::StopSignals;

#[cfg(unix)]
mod unix {
    use std::io;

    use tokio::{
        select,
        signal::unix::{Signal, SignalKind, signal},
    };

    /// Replaces the default action of both signals, which is to end the process.
    pub(crate) struct StopSignals {
        terminate: Signal,
        interrupt: Signal,
    }

    impl StopSignals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }

        /// Waits for the next signal, and returns its name.
        pub(crate) async fn recv(&mut self) -> &'static str {
            select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    pub(crate) struct StopSignals;

    impl StopSignals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for Ctrl-C.
        pub(crate) async fn recv(&mut self) -> &'static str {
            // If no handler can be installed, Ctrl-C ends the process.
            let _ = tokio::signal::ctrl_c().await;
            "Ctrl-C"
        }
    }
}
