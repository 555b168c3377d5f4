//! A statement text as spans and metrics show it.

pub(crate) mod cache;
mod span_name;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use span_name::Naming;
use telemetry_semconv::db::{Dialect, analyze_within};

use crate::{backend::Facts, metrics::operation::OperationSeries};

/// The longest text in bytes that is cached, and the longest `db.query.text`. The semantic conventions allow to truncate
/// it. Of a longer text only this part is read.
pub(crate) const MAX_TEXT: usize = 16 * 1024;

/// The longest summary in bytes that the semantic conventions allow.
const MAX_SUMMARY: usize = 255;

/// The analysis of one statement text.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The name of the spans of this statement.
    pub(crate) span_name: Cow<'static, str>,
    /// `db.query.summary`. `None` if the text contains no operation that the reader knows.
    pub(crate) summary: Option<Arc<str>>,
    /// True if the number of affected rows belongs to this statement. After other statements some drivers return the
    /// number of an earlier one.
    pub(crate) changes_rows: bool,
    text: Arc<str>,
    sanitised: Arc<str>,
    /// The series of calls without an error, bound once: every call would otherwise hash its labels.
    pub(crate) successes: OnceLock<OperationSeries>,
}

impl Statement {
    /// Analyses a text.
    fn analyse(sql: &str, dialect: Dialect, facts: &Facts, naming: Naming) -> Self {
        let read = analyze_within(sql, dialect, MAX_TEXT);
        let text: Arc<str> = Arc::from(truncated(sql));
        let sanitised = if read.text == *text {
            text.clone()
        } else {
            Arc::from(read.text)
        };
        Self {
            changes_rows: read.summary.changes_rows(),
            ..Self::new(read.summary.as_str(), text, sanitised, facts, naming)
        }
    }

    fn new(
        summary: &str,
        text: Arc<str>,
        sanitised: Arc<str>,
        facts: &Facts,
        naming: Naming,
    ) -> Self {
        let summary = Some(summary).filter(|summary| !summary.is_empty());
        Self {
            span_name: span_name::of(summary, facts, naming),
            changes_rows: false,
            summary: summary.map(Arc::from),
            text,
            sanitised,
            successes: OnceLock::new(),
        }
    }

    /// `db.query.text`: the text as written if values are bound to it, else the text without literals and comments.
    pub(crate) fn query_text(&self, parameterised: bool) -> Arc<str> {
        if parameterised {
            self.text.clone()
        } else {
            self.sanitised.clone()
        }
    }

    /// The call that prepares this statement. It has its own summary, because it is not an execution.
    pub(crate) fn preparation(&self, facts: &Facts) -> Self {
        let executed = self.summary.as_deref().unwrap_or_default();
        let mut summary = "PREPARE".to_owned();
        for token in executed.split(' ').filter(|token| !token.is_empty()) {
            if summary.len() + 1 + token.len() > MAX_SUMMARY {
                break;
            }
            summary.push(' ');
            summary.push_str(token);
        }
        let (text, sanitised) = (self.text.clone(), self.sanitised.clone());
        Self::new(&summary, text, sanitised, facts, Naming::Owned)
    }
}

fn truncated(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{cache::StatementCache, *};

    fn facts() -> Facts {
        Facts {
            system: "sqlite",
            namespace: Some(Arc::from("shop.db")),
            ..Facts::default()
        }
    }

    #[test]
    fn a_text_of_any_length_costs_no_more_than_what_is_shown() {
        let values = "(1, 'lamp'), ".repeat(1_000_000);
        let statement = Statement::analyse(
            &format!("INSERT INTO orders VALUES {values}"),
            Dialect::Sqlite,
            &facts(),
            Naming::Owned,
        );
        assert_eq!(statement.span_name, "INSERT orders");
        assert!(statement.changes_rows);
        assert_eq!(statement.query_text(true).len(), MAX_TEXT);
        assert_eq!(statement.query_text(false).len(), MAX_TEXT);
    }

    #[test]
    fn a_text_without_summary_is_named_after_the_database() {
        let statement = StatementCache::new(Dialect::Sqlite).get("", &facts());
        assert_eq!(
            (&*statement.span_name, &statement.summary),
            ("shop.db", &None)
        );
    }

    #[test]
    fn a_preparation_has_a_summary_of_its_own() {
        let statement = StatementCache::new(Dialect::Sqlite).get("SELECT * FROM orders", &facts());
        assert_eq!(
            statement.preparation(&facts()).span_name,
            "PREPARE SELECT orders"
        );
    }
}
