//! A query in its parts, so that its text can be read before the driver consumes it.

mod sqlcommenter;

use std::fmt;

use sqlx::{Arguments, AssertSqlSafe, Database, Execute, SqlSafeStr, SqlStr, error::BoxDynError};

use sqlcommenter::with_trace_comment;

/// The parts of any query. A driver runs it exactly as it would run the original query.
pub struct Query<DB: Database> {
    sql: SqlStr,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    statement: Option<DB::Statement>,
    persistent: bool,
}

impl<DB: Database> Query<DB> {
    pub(crate) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        // The drivers read the parts in this order. A mapped query gives another answer to `persistent` once its
        // arguments are taken.
        let statement = query.statement().cloned();
        let arguments = query.take_arguments();
        let persistent = query.persistent();
        Self {
            sql: query.sql(),
            arguments,
            statement,
            persistent,
        }
    }

    /// Appends a comment that names the current span, if the pool has asked for SQL comments and the span is sampled.
    /// Call it after the span has started.
    ///
    /// Each commented text is new, so the driver must not cache its prepared statement: it would evict others.
    pub(crate) fn commented(mut self, comments: bool) -> Self {
        if comments && let Some(text) = with_trace_comment(self.sql.as_str()) {
            self.sql = AssertSqlSafe(text).into_sql_str();
            self.persistent = false;
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        self.sql.as_str()
    }

    /// True if values are bound to the query. The semantic conventions call such a query parameterised.
    pub(crate) fn is_parameterised(&self) -> bool {
        match &self.arguments {
            Ok(Some(arguments)) => arguments.len() > 0,
            Ok(None) => false,
            // A value was bound, and its encoding failed.
            Err(_) => true,
        }
    }
}

impl<DB: Database> Execute<'_, DB> for Query<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

impl<DB: Database> fmt::Debug for Query<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}
