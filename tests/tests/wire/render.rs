//! The parts that all signals have, as text: attributes, resources, scopes, headers.

use std::fmt::Write as _;

use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
};

/// Attributes that not every machine has.
const OPTIONAL: [&str; 7] = [
    "container.",
    "host.id",
    "k8s.",
    "cloud.",
    "faas.",
    "aws.",
    "azure.",
];

/// Attributes whose values are the machine's or the process's.
const OF_THE_MACHINE: [&str; 4] = ["host.", "os.", "process.", "service.instance.id"];

pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Every attribute as a line, in the order of keys. A key that is there twice stays so.
pub(crate) fn attributes(attributes: &[KeyValue], indent: &str) -> String {
    let mut lines: Vec<_> = attributes.iter().map(attribute).collect();
    lines.sort();
    lines
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// All attributes in one line, in the order of keys.
pub(crate) fn labels(attributes: &[KeyValue]) -> String {
    let mut labels: Vec<_> = attributes.iter().map(attribute).collect();
    labels.sort();
    format!("{{{}}}", labels.join(", "))
}

fn attribute(attribute: &KeyValue) -> String {
    let KeyValue {
        key,
        value,
        key_strindex,
    } = attribute;
    assert_eq!(*key_strindex, 0, "{key} is in a table of strings");
    let text = match value {
        Some(value) if key == "code.line.number" => kind(value).to_owned(),
        value => any(value.as_ref()),
    };
    format!("{key}: {}", without_version(key, text))
}

/// A value as text that shows its type.
pub(crate) fn any(value: Option<&AnyValue>) -> String {
    let Some(value) = value.and_then(|value| value.value.as_ref()) else {
        return "<none>".to_owned();
    };
    match value {
        Value::StringValue(text) => format!("{text:?}"),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(_) => "<double>".to_owned(),
        Value::ArrayValue(array) => {
            let values: Vec<_> = array.values.iter().map(|value| any(Some(value))).collect();
            format!("[{}]", values.join(", "))
        }
        Value::KvlistValue(list) => labels(&list.values),
        Value::BytesValue(bytes) => format!("<{} bytes>", bytes.len()),
        Value::StringValueStrindex(_) => "<index of a string>".to_owned(),
    }
}

fn kind(value: &AnyValue) -> &'static str {
    match value.value {
        None => "<none>",
        Some(Value::StringValue(_)) => "<string>",
        Some(Value::BoolValue(_)) => "<bool>",
        Some(Value::IntValue(_)) => "<int>",
        Some(Value::DoubleValue(_)) => "<double>",
        Some(Value::ArrayValue(_)) => "<array>",
        Some(Value::KvlistValue(_)) => "<map>",
        Some(Value::BytesValue(_)) => "<bytes>",
        Some(Value::StringValueStrindex(_)) => "<index of a string>",
    }
}

/// The text without the workspace's version, so that a release changes nothing.
fn without_version(key: &str, text: String) -> String {
    match key {
        "telemetry.distro.version" | "user_agent.original" | "user-agent" | "version" => {
            text.replace(env!("CARGO_PKG_VERSION"), "<version of the workspace>")
        }
        _ => text,
    }
}

/// The resource, without what only some machines have.
pub(crate) fn resource(resource: Option<&Resource>, schema_url: &str) -> String {
    let Some(resource) = resource else {
        return "no resource\n".to_owned();
    };
    let starts = |key: &str, prefixes: &[&str]| prefixes.iter().any(|it| key.starts_with(it));
    let mut lines: Vec<_> = resource
        .attributes
        .iter()
        .filter(|it| !starts(&it.key, &OPTIONAL))
        .map(|it| match &it.value {
            Some(value) if starts(&it.key, &OF_THE_MACHINE) => {
                format!("{}: {}", it.key, kind(value))
            }
            _ => attribute(it),
        })
        .collect();
    lines.sort();
    format!(
        "resource, schema URL {schema_url:?}, {} dropped, {} entities\n  {}\n",
        resource.dropped_attributes_count,
        resource.entity_refs.len(),
        lines.join("\n  ")
    )
}

/// The scope in one line.
pub(crate) fn scope(scope: Option<&InstrumentationScope>, schema_url: &str) -> String {
    let Some(scope) = scope else {
        return "no scope".to_owned();
    };
    let version = without_version("version", format!("{:?}", scope.version));
    format!(
        "{}, version {version}, schema URL {schema_url:?}, attributes {}, {} dropped",
        scope.name,
        labels(&scope.attributes),
        scope.dropped_attributes_count
    )
}

/// The request line and the headers of a request.
pub(crate) fn request(method: &str, uri: &Uri, headers: &HeaderMap) -> String {
    format!("{method} {uri}\n{}\n", self::headers(headers))
}

/// Every header as a line, in the order of names.
pub(crate) fn headers(headers: &HeaderMap) -> String {
    let line = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        let value = value.to_str().unwrap_or("<not text>").to_owned();
        match name.as_str() {
            // The bytes of an export differ with the ids and times in it.
            "content-length" => format!("  {name}: <int>\n"),
            "date" => format!("  {name}: <time>\n"),
            // Members have no order.
            "baggage" => {
                let mut members: Vec<_> = value.split(',').collect();
                members.sort_unstable();
                format!("  {name}: {}\n", members.join(","))
            }
            key => format!("  {key}: {}\n", without_version(key, value)),
        }
    };
    // A client asks for the encodings that the features of the whole build give it.
    let recorded = headers
        .iter()
        .filter(|(name, _)| *name != axum::http::header::ACCEPT_ENCODING);
    let mut lines: Vec<_> = recorded.map(line).collect();
    lines.sort();
    lines.concat()
}
