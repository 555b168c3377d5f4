//! What went wrong, as a value of `error.type`.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{KeyValue, Value};
use sqlx::Error;
use telemetry_semconv::db::attribute;

use crate::database::Errors;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// The database's own code.
    Code(Arc<str>),
    /// Anything that has no code.
    Kind(&'static str),
}

impl Failure {
    /// The driver panicked.
    pub(crate) const PANICKED: Self = Self::Kind("panic");

    /// `None` for what is not a failure of the call: that a query found no row is an answer.
    pub(crate) fn of(error: &Error, errors: Errors) -> Option<Self> {
        Some(Self::Kind(match error {
            Error::RowNotFound => return None,
            Error::Database(error) => match (errors.status_code)(&**error) {
                Some(code) => return Some(Self::Code(Arc::from(code))),
                None => "database",
            },
            Error::PoolTimedOut => "pool_timed_out",
            Error::PoolClosed => "pool_closed",
            Error::WorkerCrashed => "worker_crashed",
            Error::Io(_) => "io",
            Error::Tls(_) => "tls",
            Error::Protocol(_) => "protocol",
            Error::Configuration(_) => "configuration",
            Error::InvalidArgument(_) => "invalid_argument",
            Error::Encode(_) => "encode",
            Error::Decode(_)
            | Error::ColumnDecode { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::TypeNotFound { .. } => "decode",
            Error::BeginFailed => "begin_failed",
            Error::InvalidSavePointStatement => "invalid_savepoint",
            _ => "_OTHER",
        }))
    }

    /// The value of `error.type`.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Code(code) => code,
            Self::Kind(kind) => kind,
        }
    }

    /// `error.type`, and `db.response.status_code` if the database gave one.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let (kind, code) = match self {
            Self::Code(code) => (Value::from(code.clone()), Some(code.clone())),
            Self::Kind(kind) => (Value::from(*kind), None),
        };
        let code = code.map(|code| KeyValue::new(attribute::DB_RESPONSE_STATUS_CODE, code));
        [KeyValue::new(attribute::ERROR_TYPE, kind)]
            .into_iter()
            .chain(code)
    }
}

/// How a call ended, if not with an answer or an error.
const OUTCOME: &str = "telemetry.outcome";

/// On the span of a call that its caller gave up. Nothing failed, so there is no error: when a client goes away, the
/// statements of its request must not look like a broken database.
pub(crate) fn cancelled() -> KeyValue {
    KeyValue::new(OUTCOME, "cancelled")
}

/// On the span of a call that never returned.
pub(crate) fn panicked() -> KeyValue {
    KeyValue::new(OUTCOME, "panicked")
}

/// The description of the span's status: the error's message, if it cannot contain a value of the application.
pub(crate) fn description(error: &Error, errors: Errors) -> Cow<'static, str> {
    match error {
        Error::Database(error) => Cow::Owned(
            (errors.safe_message)(&**error)
                .unwrap_or_default()
                .into_owned(),
        ),
        Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::Io(_)
        | Error::BeginFailed => Cow::Owned(error.to_string()),
        _ => Cow::Borrowed(""),
    }
}
