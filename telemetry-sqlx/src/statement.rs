//! What is known about a statement text, worked out once.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use hashbrown::Equivalent;
use telemetry_api::instrument::series::{Series, SeriesCache, ToKey};
use telemetry_semconv::db::{Dialect, analyze_within, span_name};

use crate::{database::Facts, metrics::Bound};

/// How many statement texts a pool remembers. An application has fewer, unless it builds texts with values in them;
/// those past the limit are analysed each time.
pub(crate) const MAX_STATEMENTS: usize = 1_000;

/// A longer text is neither remembered nor shown in full (the convention allows to truncate), nor read further than
/// that takes. Bytes.
pub(crate) const MAX_TEXT: usize = 16 * 1024;

/// How many statement texts are found by their address. A power of two.
const ADDRESSES: usize = 256;

/// How many span names are kept for the life of the process.
const MAX_NAMES: usize = 1_000;

/// The longest summary the convention allows, in bytes.
const MAX_SUMMARY: usize = 255;

/// A statement text as spans and metrics show it.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The name of its spans.
    pub(crate) name: Cow<'static, str>,
    /// `db.query.summary`; `None` if nothing could be told.
    pub(crate) summary: Option<Arc<str>>,
    /// Whether the number of affected rows is about this statement. For others some drivers give that of an earlier one.
    pub(crate) changes_rows: bool,
    text: Arc<str>,
    sanitised: Arc<str>,
    /// The series of its successes, looked up by every execution.
    pub(crate) success: OnceLock<Bound>,
}

impl Statement {
    /// Reads a text. The name of one that is `kept` is shared with all that have the same.
    fn read(sql: &str, dialect: Dialect, facts: &Facts, kept: bool) -> Self {
        let read = analyze_within(sql, dialect, MAX_TEXT);
        let text: Arc<str> = Arc::from(shown(sql));
        let sanitised = if read.text == *text {
            text.clone()
        } else {
            Arc::from(read.text)
        };
        Self {
            changes_rows: read.summary.changes_rows(),
            ..Self::new(read.summary.as_str(), text, sanitised, facts, kept)
        }
    }

    fn new(summary: &str, text: Arc<str>, sanitised: Arc<str>, facts: &Facts, kept: bool) -> Self {
        let summary = Some(summary).filter(|summary| !summary.is_empty());
        let name = span_name(summary, None, facts.target(), facts.system);
        let name = if kept {
            intern(&name)
        } else {
            Cow::Owned(name.into_owned())
        };
        Self {
            name,
            changes_rows: false,
            summary: summary.map(Arc::from),
            text,
            sanitised,
            success: OnceLock::new(),
        }
    }

    /// `db.query.text`: as written if parameterised, else without literals and comments.
    pub(crate) fn text(&self, parameterised: bool) -> Arc<str> {
        if parameterised {
            self.text.clone()
        } else {
            self.sanitised.clone()
        }
    }

    /// The same text being prepared, which must not be counted as an execution.
    pub(crate) fn preparation(&self, facts: &Facts) -> Self {
        let mut summary = "PREPARE".to_owned();
        for token in self
            .summary
            .as_deref()
            .unwrap_or_default()
            .split(' ')
            .filter(|token| !token.is_empty())
        {
            if summary.len() + 1 + token.len() > MAX_SUMMARY {
                break;
            }
            summary.push(' ');
            summary.push_str(token);
        }
        Self::new(
            &summary,
            self.text.clone(),
            self.sanitised.clone(),
            facts,
            false,
        )
    }
}

/// The statements of one pool, found by text without allocating.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Looked at first, without hashing the text: one that is written in the program is always at the same address. What
    /// another text has taken, or one that was built for a single call, is found among all that are known.
    by_address: Box<[OnceLock<Arc<Statement>>]>,
    known: SeriesCache<Arc<str>, Option<Arc<Statement>>>,
    dialect: Dialect,
}

impl Statements {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            by_address: (0..ADDRESSES).map(|_| OnceLock::new()).collect(),
            known: SeriesCache::new(MAX_STATEMENTS),
            dialect,
        }
    }

    /// What is known about a text.
    pub(crate) fn get(&self, sql: &str, facts: &Facts) -> Arc<Statement> {
        let slot = self.by_address.get(slot(sql));
        if let Some(found) = slot.and_then(OnceLock::get)
            && *found.text == *sql
        {
            return found.clone();
        }
        self.find(sql, facts)
    }

    #[inline(never)]
    fn find(&self, sql: &str, facts: &Facts) -> Arc<Statement> {
        let read = |kept| Arc::new(Statement::read(sql, self.dialect, facts, kept));
        if sql.len() > MAX_TEXT {
            return read(false);
        }
        let known = self.known.get(&Text(sql), |series| {
            matches!(series, Series::Of(_)).then(|| read(true))
        });
        match known {
            Some(known) => {
                if let Some(slot) = self.by_address.get(slot(sql)) {
                    slot.get_or_init(|| known.clone());
                }
                known
            }
            None => read(false),
        }
    }
}

/// Where a text at this address is looked for. Multiplying spreads neighbours, which texts of a program are.
fn slot(sql: &str) -> usize {
    let spread = sql.as_ptr().addr().wrapping_mul(0x9E37_79B9);
    (spread >> 24) % ADDRESSES
}

/// A text to look up. Hashes like the `Arc<str>` that is kept.
struct Text<'a>(&'a str);

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Equivalent<Arc<str>> for Text<'_> {
    fn equivalent(&self, known: &Arc<str>) -> bool {
        self.0 == &**known
    }
}

impl ToKey<Arc<str>> for Text<'_> {
    fn to_key(&self) -> Arc<str> {
        Arc::from(self.0)
    }
}

fn shown(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or(text)
}

/// A span's name is a `Cow<'static, str>`, so any name made at run time would be copied for every span. These are few
/// and short, so they live as long as the process; those past the limit are copied.
fn intern(name: &str) -> Cow<'static, str> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Cow::Borrowed(known);
    }
    if names.len() >= MAX_NAMES {
        return Cow::Owned(name.to_owned());
    }
    let kept: &'static str = Box::leak(Box::from(name));
    names.insert(kept);
    Cow::Borrowed(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            system: "sqlite",
            namespace: Some(Arc::from("shop.db")),
            ..Facts::default()
        }
    }

    #[test]
    fn a_known_text_is_read_once() {
        let statements = Statements::new(Dialect::Sqlite);
        let first = statements.get("SELECT * FROM orders WHERE id = 7", &facts());
        assert!(Arc::ptr_eq(
            &first,
            &statements.get("SELECT * FROM orders WHERE id = 7", &facts())
        ));
        assert_eq!(first.name, "SELECT orders");
        assert!(matches!(first.name, Cow::Borrowed(_)));
        assert_eq!(&*first.text(false), "SELECT * FROM orders WHERE id = ?");
    }

    #[test]
    fn texts_past_the_limit_are_read_but_not_kept() {
        let statements = Statements::new(Dialect::Sqlite);
        let text = |n: usize| format!("SELECT * FROM orders WHERE id = {n}");
        let first = statements.get(&text(0), &facts());
        for n in 1..MAX_STATEMENTS + 100 {
            assert_eq!(
                &*statements.get(&text(n), &facts()).text(false),
                "SELECT * FROM orders WHERE id = ?"
            );
        }
        assert!(Arc::ptr_eq(&first, &statements.get(&text(0), &facts())));
        let late = text(MAX_STATEMENTS + 50);
        assert!(!Arc::ptr_eq(
            &statements.get(&late, &facts()),
            &statements.get(&late, &facts())
        ));
    }

    #[test]
    fn a_huge_text_is_cut_and_not_kept() {
        let statements = Statements::new(Dialect::Sqlite);
        let huge = format!(
            "SELECT * FROM orders WHERE id IN ({})",
            "?, ".repeat(MAX_TEXT)
        );
        let read = statements.get(&huge, &facts());
        assert_eq!(read.name, "SELECT orders");
        assert!(read.text(true).len() <= MAX_TEXT && read.text(false).len() <= MAX_TEXT);
        assert!(!Arc::ptr_eq(&read, &statements.get(&huge, &facts())));
    }

    #[test]
    fn a_text_of_any_length_costs_no_more_than_what_is_shown() {
        let values = "(1, 'lamp'), ".repeat(1_000_000);
        let statement = Statement::read(
            &format!("INSERT INTO orders VALUES {values}"),
            Dialect::Sqlite,
            &facts(),
            false,
        );
        assert_eq!(statement.name, "INSERT orders");
        assert!(statement.changes_rows);
        assert_eq!(statement.text(true).len(), MAX_TEXT);
        assert_eq!(statement.text(false).len(), MAX_TEXT);
    }

    #[test]
    fn a_text_is_not_taken_for_another_that_was_at_its_address() {
        let statements = Statements::new(Dialect::Sqlite);
        let mut text = "SELECT * FROM orders".to_owned();
        let address = text.as_ptr();
        let orders = statements.get(&text, &facts());
        assert!(Arc::ptr_eq(&orders, &statements.get(&text, &facts())));
        text.replace_range(14.., "people");
        assert_eq!(text.as_ptr(), address);
        assert_eq!(statements.get(&text, &facts()).name, "SELECT people");
        text.replace_range(14.., "orders");
        assert!(Arc::ptr_eq(&orders, &statements.get(&text, &facts())));
    }

    #[test]
    fn a_text_is_found_at_any_address() {
        let statements = Statements::new(Dialect::Sqlite);
        let texts: Vec<_> = (0..2 * ADDRESSES)
            .map(|n| format!("SELECT * FROM t{n}"))
            .collect();
        let read: Vec<_> = texts
            .iter()
            .map(|text| statements.get(text, &facts()))
            .collect();
        for (text, read) in texts.iter().zip(read) {
            assert_eq!(&*read.text(true), text);
            assert!(Arc::ptr_eq(&read, &statements.get(text, &facts())));
            assert!(Arc::ptr_eq(&read, &statements.get(&text.clone(), &facts())));
        }
    }

    #[test]
    fn a_text_without_summary_is_named_after_the_database() {
        let statement = Statements::new(Dialect::Sqlite).get("", &facts());
        assert_eq!((&*statement.name, &statement.summary), ("shop.db", &None));
    }

    #[test]
    fn a_preparation_has_a_summary_of_its_own() {
        let statement = Statements::new(Dialect::Sqlite).get("SELECT * FROM orders", &facts());
        assert_eq!(
            statement.preparation(&facts()).name,
            "PREPARE SELECT orders"
        );
    }
}
