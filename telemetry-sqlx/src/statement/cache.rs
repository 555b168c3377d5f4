//! The cache of analysed statement texts.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use hashbrown::Equivalent;
use telemetry_api::instrument::series::{Series, SeriesCache, ToKey};
use telemetry_semconv::db::Dialect;

use super::{MAX_TEXT, Statement, span_name::Naming};
use crate::backend::Facts;

/// The limit of cached texts of one pool. An application has fewer, unless it writes values into its texts. A text past
/// the limit is analysed at each call.
pub(crate) const MAX_STATEMENTS: usize = 1_000;

/// The number of slots for texts that are found by their memory address. A power of two.
const ADDRESSES: usize = 256;

/// The analysed statements of one pool. Finding a known text does not allocate.
#[derive(Debug)]
pub(crate) struct StatementCache {
    /// Looked up first, without hashing the text. A text that is written in the program is always at the same address. A
    /// text whose slot is taken, or that was built for one call, is found in `known`.
    by_address: Box<[OnceLock<Arc<Statement>>]>,
    known: SeriesCache<Arc<str>, Option<Arc<Statement>>>,
    dialect: Dialect,
}

impl StatementCache {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            by_address: (0..ADDRESSES).map(|_| OnceLock::new()).collect(),
            known: SeriesCache::new(MAX_STATEMENTS),
            dialect,
        }
    }

    /// Returns the analysis of a text.
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
        let analyse = |naming| Arc::new(Statement::analyse(sql, self.dialect, facts, naming));
        if sql.len() > MAX_TEXT {
            return analyse(Naming::Owned);
        }
        let known = self.known.get(&Text(sql), |series| {
            matches!(series, Series::Of(_)).then(|| analyse(Naming::Shared))
        });
        match known {
            Some(known) => {
                if let Some(slot) = self.by_address.get(slot(sql)) {
                    slot.get_or_init(|| known.clone());
                }
                known
            }
            None => analyse(Naming::Owned),
        }
    }
}

/// The slot of a text. The multiplication spreads neighbours, because the texts of a program lie side by side.
fn slot(sql: &str) -> usize {
    let spread = sql.as_ptr().addr().wrapping_mul(0x9E37_79B9);
    (spread >> 24) % ADDRESSES
}

/// A text to look up. Its hash equals that of the `Arc<str>` in the cache.
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

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
        let statements = StatementCache::new(Dialect::Sqlite);
        let first = statements.get("SELECT * FROM orders WHERE id = 7", &facts());
        assert!(Arc::ptr_eq(
            &first,
            &statements.get("SELECT * FROM orders WHERE id = 7", &facts())
        ));
        assert_eq!(first.span_name, "SELECT orders");
        assert!(matches!(first.span_name, Cow::Borrowed(_)));
        assert_eq!(
            &*first.query_text(false),
            "SELECT * FROM orders WHERE id = ?"
        );
    }

    #[test]
    fn texts_past_the_limit_are_read_but_not_kept() {
        let statements = StatementCache::new(Dialect::Sqlite);
        let text = |n: usize| format!("SELECT * FROM orders WHERE id = {n}");
        let first = statements.get(&text(0), &facts());
        for n in 1..MAX_STATEMENTS + 100 {
            assert_eq!(
                &*statements.get(&text(n), &facts()).query_text(false),
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
        let statements = StatementCache::new(Dialect::Sqlite);
        let huge = format!(
            "SELECT * FROM orders WHERE id IN ({})",
            "?, ".repeat(MAX_TEXT)
        );
        let read = statements.get(&huge, &facts());
        assert_eq!(read.span_name, "SELECT orders");
        assert!(
            read.query_text(true).len() <= MAX_TEXT && read.query_text(false).len() <= MAX_TEXT
        );
        assert!(!Arc::ptr_eq(&read, &statements.get(&huge, &facts())));
    }

    #[test]
    fn a_text_is_not_taken_for_another_that_was_at_its_address() {
        let statements = StatementCache::new(Dialect::Sqlite);
        let mut text = "SELECT * FROM orders".to_owned();
        let address = text.as_ptr();
        let orders = statements.get(&text, &facts());
        assert!(Arc::ptr_eq(&orders, &statements.get(&text, &facts())));
        text.replace_range(14.., "people");
        assert_eq!(text.as_ptr(), address);
        assert_eq!(statements.get(&text, &facts()).span_name, "SELECT people");
        text.replace_range(14.., "orders");
        assert!(Arc::ptr_eq(&orders, &statements.get(&text, &facts())));
    }

    #[test]
    fn a_text_is_found_at_any_address() {
        let statements = StatementCache::new(Dialect::Sqlite);
        let texts: Vec<_> = (0..2 * ADDRESSES)
            .map(|n| format!("SELECT * FROM t{n}"))
            .collect();
        let read: Vec<_> = texts
            .iter()
            .map(|text| statements.get(text, &facts()))
            .collect();
        for (text, read) in texts.iter().zip(read) {
            assert_eq!(&*read.query_text(true), text);
            assert!(Arc::ptr_eq(&read, &statements.get(text, &facts())));
            assert!(Arc::ptr_eq(&read, &statements.get(&text.clone(), &facts())));
        }
    }
}
