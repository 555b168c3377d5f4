//! The known request methods: labels and span names are made of these and of nothing else.

use std::sync::Arc;

use http::Method;

use super::{OTHER_METHOD, known_method};
use crate::names::forever;

/// The variable by which operators override the list, as the convention demands of servers and clients alike.
pub const KNOWN_METHODS: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// The convention's methods, unless there is a list.
#[derive(Clone, Debug, Default)]
pub struct KnownMethods(Option<Arc<[&'static str]>>);

impl KnownMethods {
    /// Exactly these: a full override, as the convention has it. Each name is kept for the life of the process.
    pub fn exactly(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = names.into_iter().filter_map(|name| {
            let name = name.as_ref().trim();
            (!name.is_empty()).then(|| forever(name))
        });
        Self(Some(names.collect()))
    }

    /// `http.request.method`: the method if it is known, else `_OTHER`. Case matters.
    #[inline]
    pub fn known(&self, method: &Method) -> &'static str {
        match &self.0 {
            None => known_method(method),
            Some(names) => names
                .iter()
                .copied()
                .find(|name| *name == method.as_str())
                .unwrap_or(OTHER_METHOD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: Option<&str>, method: &str) -> &'static str {
        let methods = list.map_or_else(KnownMethods::default, |list| {
            KnownMethods::exactly(list.split(','))
        });
        methods.known(&Method::from_bytes(method.as_bytes()).unwrap())
    }

    #[test]
    fn a_list_replaces_that_of_the_conventions() {
        assert_eq!(of(None, "GET"), "GET");
        assert_eq!(of(None, "PURGE"), "_OTHER");
        assert_eq!(of(Some(" GET, PURGE ,"), "PURGE"), "PURGE");
        assert_eq!(of(Some("GET,PURGE"), "POST"), "_OTHER");
        assert_eq!(of(Some("GET,PURGE"), "purge"), "_OTHER");
    }
}
