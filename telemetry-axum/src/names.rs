//! Names that are kept for the life of the process: of routes, spans and configured methods.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use telemetry_core::{
    semconv_http,
    series::{Series, SeriesCache, ToKey},
};

/// Methods times routes; the names of further ones are made for each request.
const MAX_NAMES: usize = 1500;

/// The one copy of a name. The text of routes and configuration is as good as the program's own; each is kept once,
/// whoever asks, and whoever asks is bounded.
pub(crate) fn forever(name: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into());
    kept.insert(name);
    name
}

/// What the spans of a route are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanNames {
    pub(crate) span: &'static str,
    pub(crate) route: &'static str,
}

/// The names of routes, so that a span neither makes nor copies them: two allocations less for each.
#[derive(Debug)]
pub(crate) struct Names(SeriesCache<Key, Option<SpanNames>>);

impl Names {
    pub(crate) fn new() -> Self {
        Self(SeriesCache::new(MAX_NAMES))
    }

    /// None past the limit.
    pub(crate) fn of(&self, method: &'static str, route: &str) -> Option<SpanNames> {
        self.0.get(&Asked { method, route }, |series| match series {
            Series::Of(key) => Some(SpanNames {
                span: forever(&semconv_http::span_name(key.method, Some(key.route))),
                route: forever(key.route),
            }),
            Series::Overflow => None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Asked<'a> {
    method: &'static str,
    route: &'a str,
}

impl hashbrown::Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.method == key.method && self.route == key.route
    }
}

impl ToKey<Key> for Asked<'_> {
    fn to_key(&self) -> Key {
        Key {
            method: self.method,
            route: forever(self.route),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        assert!(std::ptr::eq(forever("SUBSCRIBE"), forever("SUBSCRIBE")));
        let names = Names::new();
        let first = names.of("GET", "/orders/{id}").unwrap();
        let again = names.of("GET", "/orders/{id}").unwrap();
        assert!(std::ptr::eq(first.span, again.span));
        assert_eq!(
            (first.span, first.route),
            ("GET /orders/{id}", "/orders/{id}")
        );
        assert_eq!(
            names.of("PUT", "/orders/{id}").unwrap().span,
            "PUT /orders/{id}"
        );
    }

    #[test]
    fn names_past_the_limit_are_not_kept() {
        let names = Names::new();
        let kept = (0..2 * MAX_NAMES).filter(|i| names.of("GET", &format!("/names/{i}")).is_some());
        assert_eq!(kept.count(), MAX_NAMES);
    }
}
