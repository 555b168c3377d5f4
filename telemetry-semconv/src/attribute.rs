//! Names of attributes that belong to no protocol.

/// The class of an error, from a bounded set; absent on success.
pub const ERROR_TYPE: &str = "error.type";
/// The type of an exception.
pub const EXCEPTION_TYPE: &str = "exception.type";
/// The text of an exception.
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// The texts of its causes, the nearest first. The name is ours.
pub const EXCEPTION_CAUSE: &str = "exception.cause";
/// The stack of an exception.
pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
/// The identifier that a caller quotes. The name is ours.
pub const CORRELATION_ID: &str = "correlation_id";
/// The keyed hash of the user id.
pub const USER_HASH: &str = "user.hash";
/// The user id as it is.
pub const USER_ID: &str = "user.id";
/// The roles or groups, an array of strings.
pub const USER_ROLES: &str = "user.roles";
/// The name of a thread.
pub const THREAD_NAME: &str = "thread.name";
/// The path of a source file.
pub const CODE_FILE_PATH: &str = "code.file.path";
/// The line in a source file.
pub const CODE_LINE_NUMBER: &str = "code.line.number";
/// The column in a source file.
pub const CODE_COLUMN_NUMBER: &str = "code.column.number";
/// True on the one series that all label values past a limit share (metrics SDK specification).
pub const OTEL_METRIC_OVERFLOW: &str = "otel.metric.overflow";

/// Attributes of steps, after the prefix of the service's namespace.
pub mod step {
    /// The business flow.
    pub const FLOW: &str = "flow";
    /// The stage of the flow.
    pub const STAGE: &str = "stage";
    /// The end of the step, a word of [`outcome`](crate::outcome).
    pub const OUTCOME: &str = "outcome";
    /// The reason of a rejection.
    pub const REASON: &str = "reason";
    /// The prefix without a namespace.
    pub const PREFIX: &str = "step";
}
