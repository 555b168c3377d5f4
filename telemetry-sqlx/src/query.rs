//! A query taken apart, so that its text can be read before the driver consumes it.

use sqlx::{Arguments, AssertSqlSafe, Database, Execute, SqlSafeStr, SqlStr, error::BoxDynError};

use crate::{comment::commented, observer::Observer};

/// Any query, with its parts in the open. Handing it to a driver gives the same as handing over the original.
pub struct Query<DB: Database> {
    sql: SqlStr,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    statement: Option<DB::Statement>,
    persistent: bool,
}

impl<DB: Database> Query<DB> {
    pub(crate) fn new<'q>(mut query: impl Execute<'q, DB>) -> Self {
        // In the order of the drivers: a mapped query answers `persistent` differently once its arguments are taken.
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

    /// With a comment that names the current span, if that is asked for. Call it when the span has begun.
    ///
    /// Every such text is a new one, so it must not take the place of another in the driver's cache of statements.
    pub(crate) fn commented(mut self, observer: &Observer) -> Self {
        if observer.settings.comments
            && let Some(text) = commented(self.sql.as_str())
        {
            self.sql = AssertSqlSafe(text).into_sql_str();
            self.persistent = false;
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        self.sql.as_str()
    }

    /// Whether values are bound to it, which is what the convention calls parameterised.
    pub(crate) fn is_parameterised(&self) -> bool {
        match &self.arguments {
            Ok(Some(arguments)) => arguments.len() > 0,
            Ok(None) => false,
            // A value that could not be encoded was bound.
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

impl<DB: Database> std::fmt::Debug for Query<DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").finish_non_exhaustive()
    }
}
