//! The servers that metrics tell apart. Each address is kept once, so that an attempt does not copy its text.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use hashbrown::Equivalent;
use opentelemetry::KeyValue;
use reqwest::Url;
use telemetry_api::instrument::{
    duration::BoundDuration,
    series::{Series, SeriesCache, ToKey},
};
use telemetry_semconv::http::attribute::{SERVER_ADDRESS, SERVER_PORT};

use super::{labels::AttemptLabels, usual::Usual};

/// The limit of addresses. A service calls a few servers, but a crawler or a sender of webhooks calls any number.
/// Further addresses share one label, so that they cost neither memory nor the series of the others.
const MAX_ADDRESSES: usize = 200;

/// The label of all addresses past the limit, on metrics only.
const OTHER_ADDRESS: &str = "_OTHER";

/// The address of a server as metrics label it. Two are equal if they are the same allocation: [`ServerAddresses`]
/// makes each address only once.
#[derive(Clone, Debug)]
pub(crate) struct ServerAddress(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    host: Arc<str>,
    port: Option<u16>,
    /// True for the one that stands for all addresses past the limit.
    is_overflow: bool,
    /// The series of the duration. Most attempts at one address have the same labels, those of a success.
    durations: Usual<AttemptLabels, Arc<BoundDuration>>,
}

impl ServerAddress {
    pub(crate) fn new(host: &str, port: Option<u16>) -> Self {
        Self(Arc::new(Parts {
            host: host.into(),
            port,
            is_overflow: false,
            durations: Usual::new(),
        }))
    }

    fn overflow() -> Self {
        Self(Arc::new(Parts {
            host: OTHER_ADDRESS.into(),
            port: None,
            is_overflow: true,
            durations: Usual::new(),
        }))
    }

    pub(crate) fn host(&self) -> &Arc<str> {
        &self.0.host
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.0.port
    }

    /// Passes the series of these labels to `record`. `find` looks it up if the labels are not the usual ones.
    pub(super) fn with_duration(
        &self,
        labels: &AttemptLabels,
        find: impl Fn() -> Arc<BoundDuration>,
        record: impl FnOnce(&BoundDuration),
    ) {
        self.0.durations.with(
            |usual| usual == labels,
            || (*labels, find()),
            |series| record(series),
        );
    }

    /// Appends the labels of this address.
    pub(crate) fn push_to(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, self.host().clone()));
        let port = self.port().map(i64::from);
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, port)));
    }

    /// Appends the attributes of a span. They show the server of the URL, also past the limit.
    pub(crate) fn push_to_span(&self, url: &Url, attributes: &mut Vec<KeyValue>) {
        if self.0.is_overflow {
            let (host, port) = host_and_port(url);
            attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        } else {
            self.push_to(attributes);
        }
    }
}

impl PartialEq for ServerAddress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ServerAddress {}

impl Hash for ServerAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// The addresses that a client has called.
#[derive(Debug)]
pub(crate) struct ServerAddresses {
    /// Many clients call one server only.
    first: Usual<HostPort<Arc<str>>, ServerAddress>,
    all: SeriesCache<HostPort<Arc<str>>, ServerAddress>,
}

impl ServerAddresses {
    pub(crate) fn new() -> Self {
        Self {
            first: Usual::new(),
            all: SeriesCache::new(MAX_ADDRESSES),
        }
    }

    pub(crate) fn of(&self, url: &Url) -> ServerAddress {
        let (host, port) = host_and_port(url);
        let key = HostPort { host, port };
        self.first.with(
            |first| key.equivalent(first),
            || (key.to_key(), self.find(&key)),
            ServerAddress::clone,
        )
    }

    fn find(&self, key: &HostPort<&str>) -> ServerAddress {
        self.all.get(key, |series| match series {
            Series::Of(HostPort { host, port }) => ServerAddress::new(host, *port),
            Series::Overflow => ServerAddress::overflow(),
        })
    }
}

/// `server.address` and `server.port` of a URL. The semantic conventions write an IPv6 address without brackets.
fn host_and_port(url: &Url) -> (&str, Option<u16>) {
    let host = url.host_str().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (host, url.port_or_known_default())
}

/// The key of an address, owned in the cache and borrowed from the URL for a look-up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct HostPort<H> {
    host: H,
    port: Option<u16>,
}

impl Equivalent<HostPort<Arc<str>>> for HostPort<&str> {
    fn equivalent(&self, key: &HostPort<Arc<str>>) -> bool {
        *self.host == *key.host && self.port == key.port
    }
}

impl ToKey<HostPort<Arc<str>>> for HostPort<&str> {
    fn to_key(&self) -> HostPort<Arc<str>> {
        HostPort {
            host: self.host.into(),
            port: self.port,
        }
    }
}
