use super::Test;
use crate::model::{Span, SpanKind, SpanStatus, Value};
use crate::store::Held;

impl Test {
    pub(super) fn holds(&self, held: &Held) -> bool {
        let summary = || held.summary();
        let any = |test: &dyn Fn(&Span) -> bool| held.spans().iter().any(|span| test(span));
        match self {
            Self::Text(text) => any(&|span| mentions(span, text)),
            Self::Service(name) => any(&|span| span.service.eq_ignore_ascii_case(name)),
            Self::Failed(failed) => (summary().errors > 0) == *failed,
            Self::Route(text) => {
                any(&|span| is_route(span, text))
                    || summary()
                        .root
                        .as_ref()
                        .is_some_and(|root| contains(&root.name, text))
            }
            Self::LongerThan(nanos) => summary().duration_nanos() > *nanos,
            Self::ShorterThan(nanos) => summary().duration_nanos() < *nanos,
            Self::Attribute(key, value) => any(&|span| {
                let attributes = span.attributes.iter().chain(span.resource.iter());
                attributes
                    .filter(|(name, _)| name == key)
                    .any(|(_, it)| equals(it, value))
            }),
            Self::Database(text) => any(&|span| {
                let keys = [
                    "db.query.text",
                    "db.query.summary",
                    "db.system.name",
                    "db.namespace",
                ];
                let is_database = span
                    .attributes
                    .iter()
                    .any(|(key, _)| key.starts_with("db."));
                is_database
                    && (contains(&span.name, text)
                        || keys.iter().any(|key| {
                            let value = span.attribute(key).and_then(Value::as_str);
                            value.is_some_and(|value| contains(value, text))
                        }))
            }),
            Self::Id(id) => held.trace().has_correlation_id(id),
        }
    }
}

fn is_route(span: &Span, text: &str) -> bool {
    let route = span.attribute("http.route").and_then(Value::as_str);
    span.kind == SpanKind::Server && route.is_some_and(|route| contains(route, text))
}

fn equals(value: &Value, text: &str) -> bool {
    match value {
        Value::Str(value) => value.eq_ignore_ascii_case(text),
        other => {
            let shown = other.to_string();
            shown == text
        }
    }
}

fn mentions(span: &Span, text: &str) -> bool {
    let in_value = |value: &Value| match value {
        Value::Str(value) => contains(value, text),
        Value::Bool(_) => false,
        other => contains(&other.to_string(), text),
    };
    let failed = match &span.status {
        SpanStatus::Error { message } => contains(message, text),
        SpanStatus::Unset | SpanStatus::Ok => false,
    };
    failed
        || contains(&span.name, text)
        || contains(&span.service, text)
        || span.attributes.iter().any(|(_, value)| in_value(value))
        || span.events.iter().any(|event| {
            contains(&event.name, text) || event.attributes.iter().any(|(_, it)| in_value(it))
        })
}

/// Whether the text holds the other, where letters of ASCII count in either case.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else {
        return true;
    };
    if part.len() > text.len() {
        return false;
    }
    let (low, high) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    text[..=text.len() - part.len()]
        .iter()
        .enumerate()
        .any(|(at, byte)| {
            (*byte == low || *byte == high) && text[at..at + part.len()].eq_ignore_ascii_case(part)
        })
}
