use crate::receiver::{LineError, add_json_line};
use crate::store::Store;

/// What one line brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The path of OTLP over HTTP to which the line could be sent: `/v1/traces`, `/v1/metrics` or `/v1/logs`.
    pub path: &'static str,
    /// Items that were malformed, or larger than the store allows.
    pub refused: u64,
}

/// Why a line could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a line of OTLP in JSON: {0}")]
pub struct ImportError(#[from] LineError);

impl Store {
    /// Adds one line of OTLP in JSON, such as [`export`](Self::export) and the Collector's file exporter write. An
    /// empty line is none of the three signals and an error.
    ///
    /// # Errors
    ///
    /// If it is no JSON, or holds neither spans nor metrics nor log records.
    pub fn import_line(&self, line: &str) -> Result<Imported, ImportError> {
        let (path, refused) = add_json_line(self, line)?;
        Ok(Imported { path, refused })
    }
}
