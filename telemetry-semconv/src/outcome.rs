//! The ends of work, by one word each, beyond the conventions: `telemetry.outcome` of spans, and `<namespace>.outcome` of
//! business steps.

/// The attribute of spans whose end no status tells. It is left out where the work was completed, except on requests of
/// servers.
pub const TELEMETRY_OUTCOME: &str = "telemetry.outcome";

/// The attribute of a statement that took longer than the threshold of slow queries: true.
pub const TELEMETRY_SLOW_QUERY: &str = "telemetry.slow_query";

/// The work was done.
pub const COMPLETED: &str = "completed";
/// A step was done.
pub const OK: &str = "ok";
/// A step worked, and the answer is no.
pub const REJECTED: &str = "rejected";
/// A step failed.
pub const ERROR: &str = "error";
/// The work was dropped before its end.
pub const CANCELLED: &str = "cancelled";
/// The work panicked.
pub const PANICKED: &str = "panicked";
/// The client left before the response was complete.
pub const CLIENT_DISCONNECTED: &str = "client_disconnected";
/// The time that the caller, or the server, allows for a call was over before its response was.
pub const DEADLINE_EXCEEDED: &str = "deadline_exceeded";
/// The service returned an error in place of a response.
pub const SERVICE_ERROR: &str = "service_error";
/// The body of a response failed before its end.
pub const BODY_ERROR: &str = "body_error";
/// The caller dropped the body of a response before its end.
pub const BODY_DROPPED: &str = "body_dropped";

/// `error.type` of work that panicked.
pub const PANIC: &str = "panic";
/// `error.type` of work that took longer than its limit.
pub const TIMEOUT: &str = "timeout";
/// `error.type` of an error whose type cannot be known (semantic conventions 1.44, error registry).
pub const OTHER_ERROR: &str = "_OTHER";
