//! `error.type` of a failed call: the database's own code, or one word of a bounded set.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{KeyValue, Value};
use sqlx::Error;
use telemetry_semconv::db::attribute;

use crate::backend::ErrorReader;

/// The value of `error.type`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SqlErrorType {
    /// The code that the database gave to the error.
    Code(Arc<str>),
    /// A word for an error without a code.
    Word(&'static str),
}

impl SqlErrorType {
    /// The driver panicked.
    pub(crate) const PANIC: Self = Self::Word("panic");

    /// Returns `None` for an error that is not a failure of the call: a query that finds no row has an answer.
    pub(crate) fn of(error: &Error, reader: ErrorReader) -> Option<Self> {
        Some(Self::Word(match error {
            Error::RowNotFound => return None,
            Error::Database(error) => match (reader.status_code)(&**error) {
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

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Code(code) => code,
            Self::Word(word) => word,
        }
    }

    /// `error.type`, and `db.response.status_code` if the database gave a code.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let (error_type, code) = match self {
            Self::Code(code) => (Value::from(code.clone()), Some(code.clone())),
            Self::Word(word) => (Value::from(*word), None),
        };
        let code = code.map(|code| KeyValue::new(attribute::DB_RESPONSE_STATUS_CODE, code));
        [KeyValue::new(attribute::ERROR_TYPE, error_type)]
            .into_iter()
            .chain(code)
    }
}

/// The description of the span's status: the error's message, or an empty text if the message may contain a value of
/// the application.
pub(crate) fn status_description(error: &Error, reader: ErrorReader) -> Cow<'static, str> {
    match error {
        Error::Database(error) => {
            let message = (reader.safe_message)(&**error).unwrap_or_default();
            Cow::Owned(message.into_owned())
        }
        Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::Io(_)
        | Error::BeginFailed => Cow::Owned(error.to_string()),
        _ => Cow::Borrowed(""),
    }
}
