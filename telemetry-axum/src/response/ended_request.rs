//! The facts that are known when a request has ended.

use http::StatusCode;

use super::outcome::Outcome;

/// The facts that span, metrics and log line of an ended request are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedRequest {
    pub(crate) outcome: Outcome,
    /// `None` if the request ended before the head of its response was there.
    pub(crate) status: Option<StatusCode>,
    pub(crate) seconds: f64,
    /// `None` if nothing has counted the bytes of the request's body.
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: u64,
}

impl EndedRequest {
    pub(crate) fn status_code(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }
}
