//! Database client conventions as plain functions: names, query text, query summary, span name.
//!
//! Source: OpenTelemetry semantic conventions 1.44, "database client spans", "SQL" and "database
//! client metrics". Nothing here needs a runtime, a driver or the SDK.
//!
//! Two deliberate readings of the convention:
//! - A single-quoted token is always a literal, also where SQLite or an example of the convention
//!   would accept it as a table name: `FROM 'artists'` adds nothing to the summary.
//! - A double-quoted token is an identifier, except in MySQL. SQLite reads an unknown `"name"` as a
//!   string, so there it is masked wherever a value could stand: kept are the names of tables,
//!   what stands next to a dot or after AS, and the columns of an INSERT.
//!
//! Two settings of a server cannot be seen from the text, and are taken to have their defaults: with
//! MySQL's `NO_BACKSLASH_ESCAPES`, or PostgreSQL's `standard_conforming_strings = off`, strings with
//! backslashes end elsewhere than they seem to, so that a part of one may be taken for a name.

// Why our own tokenizer: sqlparser's (0.63, the well-kept one) refuses unterminated strings and
// comments, reports line and column instead of byte spans, allocates per token, and splits
// `0XAB` and `1_000` into a number and a word, which would let part of a literal through.
mod bytes;
mod dialect;
mod frame;
mod keyword;
mod lexer;
mod sanitize;
mod statement;
mod summary;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use dialect::Dialect;
pub use summary::Summary;

/// Attribute names of database client spans and metrics (semconv 1.44, database registry).
pub mod attribute {
    /// Product as seen by the client, e.g. `postgresql`. Required.
    pub const DB_SYSTEM_NAME: &str = "db.system.name";
    /// Database the connection uses.
    pub const DB_NAMESPACE: &str = "db.namespace";
    /// Query text: as written if parameterised, else sanitised.
    pub const DB_QUERY_TEXT: &str = "db.query.text";
    /// Low-cardinality list of operations and targets.
    pub const DB_QUERY_SUMMARY: &str = "db.query.summary";
    /// Operation the caller named; for SQL it should not be taken from the text.
    pub const DB_OPERATION_NAME: &str = "db.operation.name";
    /// Collection the caller named; for SQL it should not be taken from the text.
    pub const DB_COLLECTION_NAME: &str = "db.collection.name";
    /// Status or error code of the database, always a string.
    pub const DB_RESPONSE_STATUS_CODE: &str = "db.response.status_code";
    /// Rows the operation returned. Opt-in.
    pub const DB_RESPONSE_RETURNED_ROWS: &str = "db.response.returned_rows";
    /// Operations in a batch; never set for a single operation.
    pub const DB_OPERATION_BATCH_SIZE: &str = "db.operation.batch.size";
    /// Host name, address or socket of the server.
    pub const SERVER_ADDRESS: &str = "server.address";
    /// Port of the server, if it is not the product's default.
    pub const SERVER_PORT: &str = "server.port";
    /// Class of the error, present if and only if the operation failed.
    pub const ERROR_TYPE: &str = "error.type";
}

/// Name of the duration histogram, unit `s` (semconv 1.44, `metric.db.client.operation.duration`).
pub const OPERATION_DURATION: &str = "db.client.operation.duration";

/// Advised bucket bounds of [`OPERATION_DURATION`] in seconds (semconv 1.44, database metrics).
pub const OPERATION_DURATION_BOUNDS: [f64; 9] =
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// What one look at a query text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `db.query.text` with every literal replaced by `?` and every comment removed
    /// (semconv 1.44, "Sanitization of `db.query.text`").
    pub text: String,
    /// `db.query.summary` (semconv 1.44, "Generating a summary of the query").
    pub summary: Summary,
}

/// Sanitises and summarises a query in one pass, linear in its length.
///
/// The result is never longer than the input, and analysing the sanitised text again changes
/// neither text nor summary. Malformed input is fine: what does not end masks to the end.
///
/// ```
/// # use telemetry_semconv::db::{analyze, Dialect};
/// let statement = analyze("SELECT * FROM users WHERE name = 'jdoe'", Dialect::PostgreSql);
/// assert_eq!(statement.text, "SELECT * FROM users WHERE name = ?");
/// assert_eq!(statement.summary.as_str(), "SELECT users");
/// ```
#[must_use]
pub fn analyze(sql: &str, dialect: Dialect) -> Statement {
    analyze_within(sql, dialect, usize::MAX)
}

/// [`analyze`] for a text of any length, with at most this many bytes of output: reads as far as is needed for those,
/// and the summary is of what was read.
#[must_use]
pub fn analyze_within(sql: &str, dialect: Dialect, limit: usize) -> Statement {
    let (text, summary) = sanitize::run::<true>(sql, dialect, limit);
    Statement { text, summary }
}

/// The summary alone, for a parameterised text, which is reported as it was written.
#[must_use]
pub fn summarize(sql: &str, dialect: Dialect) -> Summary {
    sanitize::run::<false>(sql, dialect, 0).1
}

/// What a database call is aimed at, from the most to the least telling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// `db.collection.name` or `db.stored_procedure.name`.
    pub collection: Option<&'a str>,
    /// `db.namespace`.
    pub namespace: Option<&'a str>,
    /// `server.address`.
    pub server_address: Option<&'a str>,
    /// Port of `server_address`.
    pub server_port: Option<u16>,
}

/// The span name: summary, else operation and target, else target, else system
/// (semconv 1.44, database client spans, "Name"). An empty string counts as absent.
#[must_use]
pub fn span_name<'a>(
    summary: Option<&'a str>,
    operation: Option<&'a str>,
    target: Target<'a>,
    system: &'a str,
) -> Cow<'a, str> {
    if let Some(summary) = present(summary) {
        return Cow::Borrowed(summary);
    }
    let place = present(target.collection)
        .or(present(target.namespace))
        .map(Cow::Borrowed);
    let place = place.or_else(|| {
        let address = present(target.server_address)?;
        Some(match target.server_port {
            // The colons of a bare IPv6 address would run into the one before the port.
            Some(port) if address.contains(':') && !address.starts_with('[') => {
                Cow::Owned(format!("[{address}]:{port}"))
            }
            Some(port) => Cow::Owned(format!("{address}:{port}")),
            None => Cow::Borrowed(address),
        })
    });
    match (present(operation), place) {
        (Some(operation), Some(place)) => Cow::Owned(format!("{operation} {place}")),
        (Some(operation), None) => Cow::Borrowed(operation),
        (None, Some(place)) => place,
        (None, None) => Cow::Borrowed(system),
    }
}

fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|text| !text.is_empty())
}

/// The value of `db.operation.batch.size`: absent for exactly one operation, zero for an empty
/// batch (semconv 1.44, `db.operation.batch.size`).
#[must_use]
pub fn batch_size(operations: usize) -> Option<i64> {
    if operations == 1 {
        return None;
    }
    Some(i64::try_from(operations).unwrap_or(i64::MAX))
}

/// The summary or operation name of a batch: `BATCH` and the part all operations share, if they do
/// (semconv 1.44, `db.query.summary` and `db.operation.name`, batch clauses).
#[must_use]
pub fn batch_summary<'a>(mut operations: impl Iterator<Item = &'a str>) -> String {
    match operations.next().filter(|first| !first.is_empty()) {
        Some(first) if operations.all(|other| other == first) => summary::prefixed("BATCH", first),
        _ => "BATCH".to_owned(),
    }
}
