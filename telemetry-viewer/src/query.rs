//! The language of the search box.

pub(crate) mod matches;
mod parse;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::Arc;

use crate::model::Trace;
use crate::store::{Held, Store};

/// A query for traces: all of its terms must hold.
///
/// | Term | Traces with |
/// |---|---|
/// | `declined` `"card declined"` | that text in a name, service, attribute, event or error message |
/// | `service:web` | a span of that service |
/// | `status:error` `status:ok` | a failed span, or none |
/// | `route:/orders` | that text in the route of a request, or in the name of the root |
/// | `>100ms` `<1s` | a root that took more, or less |
/// | `key=value` | a span with that attribute |
/// | `db:orders` | that text in the statement, name or system of a database span |
/// | `0af7651916cd43dd8448eb211c80319c`, `id:order-7` | that trace id or correlation id |
///
/// A `-` before a term turns it round. Upper and lower case count as the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(String);

#[derive(Clone, Debug, PartialEq)]
struct Term {
    /// Whether traces must not fulfil it.
    not: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Text(String),
    Service(String),
    Failed(bool),
    Route(String),
    LongerThan(u64),
    ShorterThan(u64),
    Attribute(String, String),
    Database(String),
    Id(String),
}

impl Query {
    /// Whether it accepts everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The traces that fulfil it, the one that arrived last first.
    pub(crate) fn run(&self, store: &Store) -> Vec<Arc<Held>> {
        let mut traces = store.all_held();
        traces.retain(|held| self.accepts(held));
        traces
    }

    pub(crate) fn accepts(&self, held: &Held) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(held) != term.not)
    }
}

impl Store {
    /// The traces that fulfil the query, newest start first.
    pub fn search(&self, query: &Query) -> Vec<Trace> {
        let mut traces = query.run(self);
        traces.sort_by_key(|held| Reverse(held.summary().start_unix_nanos));
        traces.iter().map(|held| held.trace().clone()).collect()
    }
}
