//! Headers on spans: those that were asked for, and never a credential.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use crate::attributes::short;

const REDACTED: &str = "REDACTED";

/// Captured or not, the values of these are credentials.
const SECRET: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
];

/// Further headers that carry credentials by common usage.
const SECRET_BY_USAGE: [&str; 5] = [
    "x-api-key",
    "x-amz-security-token",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-client-cert",
];

/// An allow-list of headers and the attribute of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Vec<(HeaderName, Key)>);

impl Capture {
    /// `prefix` is `http.request.header` or `http.response.header`.
    pub(crate) fn new(prefix: &str, names: impl IntoIterator<Item = HeaderName>) -> Self {
        // The attribute's key is shared by all spans.
        let keyed = |name: HeaderName| {
            let key: std::sync::Arc<str> = [prefix, ".", name.as_str()].concat().into();
            (name, Key::from(key))
        };
        Self(names.into_iter().map(keyed).collect())
    }

    /// The attributes of the captured headers that are there, each an array of its values.
    pub(crate) fn attributes<'a>(
        &'a self,
        headers: &'a HeaderMap,
        redacted: &'a [HeaderName],
    ) -> impl Iterator<Item = KeyValue> + 'a {
        self.0.iter().filter_map(move |(name, key)| {
            let secret = SECRET.contains(name)
                || SECRET_BY_USAGE.contains(&name.as_str())
                || redacted.contains(name);
            let values: Vec<StringValue> = headers
                .get_all(name)
                .iter()
                .map(|value| shown(value, secret))
                .collect();
            (!values.is_empty())
                .then(|| KeyValue::new(key.clone(), Value::Array(Array::String(values))))
        })
    }
}

fn shown(value: &HeaderValue, secret: bool) -> StringValue {
    if secret || value.is_sensitive() {
        return REDACTED.into();
    }
    short(&String::from_utf8_lossy(value.as_bytes()))
        .to_owned()
        .into()
}
