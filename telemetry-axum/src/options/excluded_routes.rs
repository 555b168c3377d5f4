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

    /// Returns true if a pattern matches the whole path or the route.
    ///
    /// `local_path` is the end of the whole path that an inner router sees. To find the whole path and the route costs a
    /// look-up each, so both are called only if they can match: `route` only for templates, because only a template
    /// differs from the paths that it matches.
    pub(crate) fn matches<'a>(
        &self,
        local_path: &str,
        whole_path: impl Fn() -> &'a str,
        route: impl Fn() -> Option<&'a str>,
    ) -> bool {
        self.0.iter().any(|pattern| {
            pattern.may_match_end(local_path) && pattern.matches(whole_path())
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

    /// Returns false if no path with this end matches.
    fn may_match_end(&self, end: &str) -> bool {
        // A nested router sees the path `/` where the whole path may end without a slash.
        self.is_prefix || end.len() <= 1 || self.text.ends_with(end)
    }

    fn matches(&self, target: &str) -> bool {
        if self.is_prefix {
            target.starts_with(&*self.text)
        } else {
            *target == *self.text
        }
    }
}
