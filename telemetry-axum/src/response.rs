//! The parts of a request's end: its outcome, log records and the headers of the response.

pub(crate) mod access_log;
pub(crate) mod ended_request;
pub(crate) mod exception_log;
pub(crate) mod outcome;
pub(crate) mod trace_headers;
