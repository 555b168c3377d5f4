//! One series of the request metrics, and its labels.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use http::Version;
use opentelemetry::{KeyValue, metrics::BoundHistogram};
use telemetry_api::instrument::{
    duration::{BoundDuration, overflow},
    series::ToKey,
};
use telemetry_semconv::{
    http as semconv_http,
    http::{
        Authority,
        attribute::{
            ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
            NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, SERVER_PORT, URL_SCHEME,
        },
    },
    names::forever,
};

use crate::{request::incoming_request::scheme, response::outcome::ErrorType};

/// The handles of one set of labels.
#[derive(Debug)]
pub(crate) struct RequestSeries {
    pub(crate) duration: BoundDuration,
    /// For instruments that are bound later.
    pub(crate) attributes: Vec<KeyValue>,
    /// Request and response; bound when an option first asks for them.
    pub(crate) sizes: OnceLock<[BoundHistogram<u64>; 2]>,
}

/// The labels that are known when a request starts. Each comes from a bounded set.
///
/// `R` is the text of the route: borrowed to look up a group, static in the group itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StartLabels<R> {
    /// A known method or `_OTHER`.
    pub(crate) method: &'static str,
    /// The matched route. `None` for a request that matches none; its path must not become a label.
    pub(crate) route: Option<R>,
    /// The requested server, if it is on the list of servers that metrics tell apart.
    pub(crate) known_server: Option<Authority<'static>>,
}

impl StartLabels<Cow<'static, str>> {
    pub(crate) fn borrowed(&self) -> StartLabels<&str> {
        StartLabels {
            method: self.method,
            route: self.route.as_deref(),
            known_server: self.known_server,
        }
    }
}

/// The labels that are known when a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EndLabels {
    pub(crate) https: bool,
    pub(crate) version: Version,
    pub(crate) status: Option<u16>,
    pub(crate) error: ErrorType,
}

/// The labels of a request whose own series would be one too many. No caller can choose them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OverflowLabels {
    pub(crate) route: Option<Arc<str>>,
    pub(crate) error: ErrorType,
}

/// The attributes of one series.
pub(crate) fn attributes(start: &StartLabels<Cow<'static, str>>, end: EndLabels) -> Vec<KeyValue> {
    let version = semconv_http::protocol_version(end.version);
    let mut attributes = vec![
        KeyValue::new(HTTP_REQUEST_METHOD, start.method),
        KeyValue::new(URL_SCHEME, scheme(end.https)),
        KeyValue::new(NETWORK_PROTOCOL_VERSION, version),
    ];
    let route = start.route.clone();
    attributes.extend(route.map(|route| KeyValue::new(HTTP_ROUTE, route)));
    let status = end.status.map(i64::from);
    attributes.extend(status.map(|status| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status)));
    let error = end.error.value();
    attributes.extend(error.map(|error| KeyValue::new(ERROR_TYPE, error)));
    attributes.extend(server_attributes(start.known_server));
    attributes
}

/// `server.address`, and `server.port` if the list has one.
pub(crate) fn server_attributes(
    server: Option<Authority<'static>>,
) -> impl Iterator<Item = KeyValue> {
    let address = server.map(|server| KeyValue::new(SERVER_ADDRESS, server.host));
    let port = server.and_then(|server| server.port);
    let port = port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port)));
    address.into_iter().chain(port)
}

impl OverflowLabels {
    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        let route = self.route.clone();
        let route = route.map(|route| KeyValue::new(HTTP_ROUTE, route));
        let error = self.error.value();
        let error = error.map(|error| KeyValue::new(ERROR_TYPE, error));
        // The pipeline detects an overflow by the first attribute.
        overflow().into_iter().chain(route).chain(error).collect()
    }
}

impl hashbrown::Equivalent<StartLabels<Cow<'static, str>>> for StartLabels<&str> {
    fn equivalent(&self, key: &StartLabels<Cow<'static, str>>) -> bool {
        self.method == key.method
            && self.route == key.route.as_deref()
            && self.known_server == key.known_server
    }
}

impl ToKey<StartLabels<Cow<'static, str>>> for StartLabels<&str> {
    fn to_key(&self) -> StartLabels<Cow<'static, str>> {
        StartLabels {
            method: self.method,
            route: self.route.map(|route| forever(route).into()),
            known_server: self.known_server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_types_of_the_convention() {
        let server = Authority::parse("shop.example:8443");
        let address = KeyValue::new("server.address", "shop.example");
        let expected = [address.clone(), KeyValue::new("server.port", 8443_i64)];
        assert!(server_attributes(server).eq(expected));
        assert!(server_attributes(Authority::parse("shop.example")).eq([address]));
        assert_eq!(server_attributes(None).count(), 0);
    }
}
