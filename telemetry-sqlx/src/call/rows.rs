//! The number of rows of a call.

use opentelemetry::KeyValue;
use telemetry_semconv::db::attribute;

/// The rows of a call, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// The call has no rows, such as `BEGIN`, or their number is not known.
    Unknown,
    /// The caller received so many rows.
    Returned(i64),
    /// The database changed so many rows.
    Affected(i64),
}

impl Rows {
    /// The number as a span attribute. `changes_rows` is true if the statement is one that can change rows.
    pub(super) fn attribute(self, changes_rows: bool) -> Option<KeyValue> {
        match self {
            Self::Returned(rows) => Some(KeyValue::new(attribute::DB_RESPONSE_RETURNED_ROWS, rows)),
            Self::Affected(rows) if changes_rows => {
                Some(KeyValue::new(attribute::SQLX_ROWS_AFFECTED, rows))
            }
            Self::Affected(_) | Self::Unknown => None,
        }
    }

    /// The number as the slow-query log shows it: the value of [`attribute`](Self::attribute).
    pub(super) fn shown(self, changes_rows: bool) -> Option<i64> {
        match self {
            Self::Returned(rows) => Some(rows),
            Self::Affected(rows) if changes_rows => Some(rows),
            Self::Affected(_) | Self::Unknown => None,
        }
    }

    pub(super) fn returned(self) -> Option<u64> {
        match self {
            Self::Returned(rows) => u64::try_from(rows).ok(),
            Self::Affected(_) | Self::Unknown => None,
        }
    }
}
