//! Logs: each `tracing` event becomes one line and, with OTLP, one record, both with the ids of the current context.

mod json;
mod layer;
mod otlp;
mod readable;
mod timestamp;

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::Arc,
};

pub(super) use layer::LogLayer;

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// One readable line, for people.
    Readable,
}

impl Default for LogFormat {
    /// Readable on a terminal, JSON otherwise.
    fn default() -> Self {
        if io::stdout().is_terminal() {
            Self::Readable
        } else {
            Self::Json
        }
    }
}

/// Where lines go.
#[derive(Clone)]
pub(super) struct LogSink(Arc<dyn Fn(&str) + Send + Sync>);

impl LogSink {
    pub(super) fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(super) fn write(&self, line: &str) {
        (self.0)(line);
    }
}

impl Default for LogSink {
    /// Standard output. A closed pipe must not take the request down with it, so a failed write is let go.
    fn default() -> Self {
        Self::new(|line| {
            let _ = io::stdout().lock().write_all(line.as_bytes());
        })
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
