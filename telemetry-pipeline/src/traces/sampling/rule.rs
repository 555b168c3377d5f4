//! Exceptions from a policy: for one route, one kind of span.

use opentelemetry::{Key, KeyValue, Value, trace::SpanKind};

use super::share::Share;
use telemetry_semconv::http::attribute::{HTTP_ROUTE, URL_PATH};

/// A decision for the traces that begin with a certain span. All conditions must hold; a rule without any always does.
///
/// A pattern is the text itself, in which `*` stands for anything: `/api/*`, `GET *`, `*`.
///
/// ```
/// use telemetry_pipeline::Rule;
///
/// let checks = Rule::drop().path("/health*");
/// let orders = Rule::keep().route("/orders/{id}").attribute("http.request.method", "POST");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    pub(crate) share: Share,
    kind: Option<SpanKind>,
    name: Option<String>,
    attributes: Vec<(Key, String)>,
}

impl Rule {
    /// Never sampled, nor kept for an error or for being slow.
    pub fn drop() -> Self {
        Self::new(Share::Drop)
    }

    /// Always sampled.
    pub fn keep() -> Self {
        Self::new(Share::All)
    }

    /// A share of the traces; see [`SamplerPolicy::ratio`](super::SamplerPolicy::ratio).
    pub fn ratio(ratio: f64) -> Self {
        Self::new(Share::ratio(ratio))
    }

    /// So many traces a second; see [`SamplerPolicy::rate_limited`](super::SamplerPolicy::rate_limited). Each rule has
    /// a limit of its own.
    pub fn rate_limited(traces_per_second: f64) -> Self {
        Self::new(Share::rate_limited(traces_per_second))
    }

    fn new(share: Share) -> Self {
        Self {
            share,
            kind: None,
            name: None,
            attributes: Vec::new(),
        }
    }

    /// Only spans of this kind.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only spans whose name matches, as it is when they start.
    pub fn name(mut self, pattern: impl Into<String>) -> Self {
        self.name = Some(pattern.into());
        self
    }

    /// Only requests to a route that matches: `http.route`, which is the route as the router knows it (`/orders/{id}`).
    pub fn route(self, pattern: impl Into<String>) -> Self {
        self.attribute(HTTP_ROUTE, pattern)
    }

    /// Only requests whose path matches: `url.path`, without the query.
    pub fn path(self, pattern: impl Into<String>) -> Self {
        self.attribute(URL_PATH, pattern)
    }

    /// Only spans that start with this attribute and a value that, as text, matches.
    pub fn attribute(mut self, key: impl Into<Key>, pattern: impl Into<String>) -> Self {
        self.attributes.push((key.into(), pattern.into()));
        self
    }

    pub(crate) fn reads_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    pub(crate) fn matches(&self, name: &str, kind: &SpanKind, attributes: &[KeyValue]) -> bool {
        self.kind.as_ref().is_none_or(|wanted| wanted == kind)
            && self
                .name
                .as_ref()
                .is_none_or(|pattern| matches(pattern, name))
            && self.attributes.iter().all(|(key, pattern)| {
                attributes
                    .iter()
                    .any(|attribute| attribute.key == *key && value_matches(pattern, attribute))
            })
    }
}

fn value_matches(pattern: &str, attribute: &KeyValue) -> bool {
    match &attribute.value {
        Value::String(text) => matches(pattern, text.as_str()),
        other => matches(pattern, &other.to_string()),
    }
}

/// In time linear in the text for each `*`: the shortest text for a `*` is tried first, and only the last `*` is ever
/// taken back.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("/health", "/health", true),
            ("/health", "/healthz", false),
            ("/health", "/healt", false),
            ("/health*", "/healthz", true),
            ("/health*", "/health", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("/api/*/items", "/api/1/2/items", true),
            ("/api/*/items", "/api/1/item", false),
            ("*ab", "aab", true),
            ("a*b*c", "a-b-b-c", true),
            ("/files/{*path}", "/files/{*path}", true),
            ("/café*", "/café/1", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let attributes = [
            KeyValue::new(HTTP_ROUTE, "/orders/{id}"),
            KeyValue::new(URL_PATH, "/orders/7"),
            KeyValue::new("server.port", 8080),
        ];
        let holds = |rule: Rule| rule.matches("GET /orders/{id}", &SpanKind::Server, &attributes);
        assert!(holds(Rule::keep()));
        assert!(holds(
            Rule::keep()
                .kind(SpanKind::Server)
                .name("GET *")
                .route("/orders/{id}")
                .path("/orders/*")
                .attribute("server.port", "8080")
        ));
        for fails in [
            Rule::keep().kind(SpanKind::Client),
            Rule::keep().name("POST *"),
            Rule::keep().route("/orders"),
            Rule::keep().path("/orders"),
            Rule::keep().attribute("server.port", "80"),
            Rule::keep().attribute("absent", "*"),
            Rule::keep().route("/orders/{id}").kind(SpanKind::Client),
        ] {
            assert!(!holds(fails.clone()), "{fails:?}");
        }
    }
}
