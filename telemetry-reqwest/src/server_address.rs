//! Server addresses: each kept once, so that an attempt neither copies nor hashes its text again.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use opentelemetry::KeyValue;
use reqwest::Url;
use telemetry_core::{
    metrics::BoundDuration,
    semconv_http::attribute::{SERVER_ADDRESS, SERVER_PORT},
    series::{Series, SeriesCache, ToKey},
};

use crate::metrics::Labels;

/// A service calls a few others; a crawler or a webhook sender calls any number. Further addresses share one label, so
/// that they cost neither memory nor the series of the others.
const MAX_ADDRESSES: usize = 200;

/// What stands for an address past the limit, on metrics only.
const OTHER_ADDRESS: &str = "_OTHER";

/// A server address as metrics label it. Compared by identity: the cache makes each only once.
#[derive(Clone, Debug)]
pub(crate) struct Address(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    host: Arc<str>,
    port: Option<u16>,
    /// It stands for many.
    shared: bool,
    /// The first series of this address, which is that of its successes as a rule.
    usual: OnceLock<(Labels, Arc<BoundDuration>)>,
}

impl Address {
    pub(crate) fn new(host: &str, port: Option<u16>) -> Self {
        Self(Arc::new(Parts {
            host: host.into(),
            port,
            shared: false,
            usual: OnceLock::new(),
        }))
    }

    pub(crate) fn host(&self) -> &Arc<str> {
        &self.0.host
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.0.port
    }

    pub(crate) fn push_to(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new(SERVER_ADDRESS, self.host().clone()));
        let port = self.port();
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }

    /// The handle of these labels; those an address meets first are compared instead of hashed.
    pub(crate) fn with_duration(
        &self,
        labels: &Labels,
        resolve: impl Fn(&Self) -> Arc<BoundDuration>,
        record: impl FnOnce(&BoundDuration),
    ) {
        let (usual, handle) = self.0.usual.get_or_init(|| (*labels, resolve(self)));
        if usual.is(labels) {
            record(handle);
        } else {
            record(&resolve(self));
        }
    }

    /// The span of a request tells its server, whether metrics do or not.
    pub(crate) fn push_to_span(&self, url: &Url, attributes: &mut Vec<KeyValue>) {
        if self.0.shared {
            let (host, port) = host_and_port(url);
            attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        } else {
            self.push_to(attributes);
        }
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

#[derive(Debug)]
pub(crate) struct Addresses {
    /// Many clients call one server only: its address is compared instead of hashed.
    first: OnceLock<Address>,
    all: SeriesCache<Key<Arc<str>>, Address>,
}

impl Addresses {
    pub(crate) fn new() -> Self {
        Self {
            first: OnceLock::new(),
            all: SeriesCache::new(MAX_ADDRESSES),
        }
    }

    pub(crate) fn of(&self, url: &Url) -> Address {
        let (host, port) = host_and_port(url);
        let first = self.first.get_or_init(|| self.find(host, port));
        if first.0.port == port && *first.0.host == *host {
            return first.clone();
        }
        self.find(host, port)
    }

    fn find(&self, host: &str, port: Option<u16>) -> Address {
        self.all.get(&Key { host, port }, |series| match series {
            Series::Of(Key { host, port }) => Address::new(host, *port),
            Series::Overflow => Address(Arc::new(Parts {
                host: OTHER_ADDRESS.into(),
                port: None,
                shared: true,
                usual: OnceLock::new(),
            })),
        })
    }
}

/// `server.address` is without the brackets of an IPv6 address.
fn host_and_port(url: &Url) -> (&str, Option<u16>) {
    let host = url.host_str().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (host, url.port_or_known_default())
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key<H> {
    host: H,
    port: Option<u16>,
}

impl hashbrown::Equivalent<Key<Arc<str>>> for Key<&str> {
    fn equivalent(&self, key: &Key<Arc<str>>) -> bool {
        *self.host == *key.host && self.port == key.port
    }
}

impl ToKey<Key<Arc<str>>> for Key<&str> {
    fn to_key(&self) -> Key<Arc<str>> {
        Key {
            host: self.host.into(),
            port: self.port,
        }
    }
}
