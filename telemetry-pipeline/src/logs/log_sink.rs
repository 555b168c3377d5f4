//! Where lines go.

use std::{cell::Cell, fmt, io, sync::Arc, time::Duration};

use super::stdout_writer::Stdout;
use crate::otlp::{Losses, Reporter};

thread_local! {
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// While a function of the application's is called. What it logs, or the line of its panic, is not for itself: it may
/// hold a lock.
struct Within;

impl Within {
    fn enter() -> Option<Self> {
        // Not `then_some`, which would make one to drop it.
        (!IS_WITHIN.replace(true)).then(|| Self)
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        IS_WITHIN.set(false);
    }
}

/// A function of the application's, or standard output.
#[derive(Clone)]
pub(crate) enum LogSink {
    Function(Arc<dyn Fn(&str) + Send + Sync>),
    Stdout(Arc<Stdout>),
}

impl LogSink {
    pub(crate) fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(sink))
    }

    /// Standard output. Lines it did not take are reported when it takes lines again.
    pub(crate) fn stdout(reporter: Arc<Reporter>) -> io::Result<Self> {
        let report = move |lines| reporter.lines_lost(lines);
        Ok(Self::Stdout(Arc::new(Stdout::start(io::stdout(), report)?)))
    }

    /// Takes lines, each with its newline, all at once or none.
    pub(crate) fn write(&self, lines: &str) {
        match self {
            Self::Function(sink) => {
                if let Some(_within) = Within::enter() {
                    sink(lines);
                }
            }
            Self::Stdout(stdout) => stdout.write(lines),
        }
    }

    pub(crate) fn flush(&self, bound: Duration) -> bool {
        match self {
            Self::Function(_) => true,
            Self::Stdout(stdout) => stdout.flush(bound),
        }
    }

    /// The lines that standard output did not take, by reason. A function of the application's keeps its own count.
    pub(crate) fn losses(&self) -> Option<&Arc<Losses>> {
        match self {
            Self::Function(_) => None,
            Self::Stdout(stdout) => Some(stdout.losses()),
        }
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").finish_non_exhaustive()
    }
}
