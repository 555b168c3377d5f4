//! The routes that a layer leaves alone.

/// The default list: probes and scrapers poll these all day.
const DEFAULT: [&str; 3] = ["/livez", "/metrics", "/readyz"];

/// Patterns for paths and route templates; a `*` at the end of a pattern matches any rest.
#[derive(Clone, Debug)]
pub(crate) struct ExcludedRoutes(Vec<Pattern>);

#[derive(Clone, Debug)]
struct Pattern {
    text: Box<str>,
    is_prefix: bool,
    is_template: bool,
}

impl Default for ExcludedRoutes {
    fn default() -> Self {
        Self::new(DEFAULT)
    }
}

impl ExcludedRoutes {
    pub(crate) fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let patterns = patterns.into_iter();
        Self(patterns.map(|it| Pattern::new(&it.into())).collect())
    }

    /// Returns true if a pattern matches the path or the route. `route` is called only for patterns that are
    /// templates, because only a template differs from the path that it matches.
    pub(crate) fn matches<'a>(&self, path: &str, route: impl Fn() -> Option<&'a str>) -> bool {
        self.0.iter().any(|pattern| {
            pattern.matches(path)
                || pattern.is_template && route().is_some_and(|route| pattern.matches(route))
        })
    }
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let prefix = pattern.strip_suffix('*');
        Self {
            is_prefix: prefix.is_some(),
            is_template: pattern.contains('{'),
            text: prefix.unwrap_or(pattern).into(),
        }
    }

    fn matches(&self, target: &str) -> bool {
        if self.is_prefix {
            target.starts_with(&*self.text)
        } else {
            *target == *self.text
        }
    }
}
