//! The headers that are copied to spans. Credentials are never copied.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::attribute_limit::limited;

const REDACTED: &str = "REDACTED";

/// Headers whose values are credentials. Their values are redacted even if they are captured.
const CREDENTIALS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
];

/// Headers that no standard defines but that carry credentials in practice.
const CREDENTIALS_IN_PRACTICE: [&str; 5] = [
    "x-api-key",
    "x-amz-security-token",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-client-cert",
];

/// The headers to copy, each with the name of its attribute. Empty by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct CapturedHeaders(Vec<(HeaderName, Key)>);

impl CapturedHeaders {
    /// `prefix` is `http.request.header` or `http.response.header`.
    pub(crate) fn new(prefix: &str, names: impl IntoIterator<Item = HeaderName>) -> Self {
        // All spans share the text of the key.
        let keyed = |name: HeaderName| {
            let key: std::sync::Arc<str> = [prefix, ".", name.as_str()].concat().into();
            (name, Key::from(key))
        };
        Self(names.into_iter().map(keyed).collect())
    }

    /// The attributes of the captured headers that are present, each an array of the header's values. Values of
    /// credentials, of sensitive headers and of those in `redacted` are replaced by `REDACTED`.
    pub(crate) fn attributes<'a>(
        &'a self,
        headers: &'a HeaderMap,
        redacted: &'a [HeaderName],
    ) -> impl Iterator<Item = KeyValue> + 'a {
        self.0.iter().filter_map(move |(name, key)| {
            let is_secret = CREDENTIALS.contains(name)
                || CREDENTIALS_IN_PRACTICE.contains(&name.as_str())
                || redacted.contains(name);
            let values: Vec<StringValue> = headers
                .get_all(name)
                .iter()
                .map(|value| attribute_value(value, is_secret))
                .collect();
            (!values.is_empty())
                .then(|| KeyValue::new(key.clone(), Value::Array(Array::String(values))))
        })
    }
}

fn attribute_value(value: &HeaderValue, is_secret: bool) -> StringValue {
    if is_secret || value.is_sensitive() {
        return REDACTED.into();
    }
    limited(&String::from_utf8_lossy(value.as_bytes()))
        .to_owned()
        .into()
}
