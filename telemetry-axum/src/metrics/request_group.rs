//! What all requests of a method, a route and a known server share, looked up once for each request.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use opentelemetry::StringValue;
use telemetry_core::{
    names::forever,
    semconv_http::{self, Authority},
    series::{Series, SeriesCache, ToKey},
};

use crate::{
    active::{ActiveCount, ActiveRequests},
    metrics::{Ending, Labels, RequestSeries, ServerInstruments},
};

/// Methods times routes times known servers that are kept; further ones are made for each request. A program has as many as
/// its routers and its list of servers, and no caller can make more: the limit is for routers that are made at run time.
const MAX_ENDPOINTS: usize = 16_384;

/// The series an endpoint keeps at hand: as a rule its requests end in one or two ways.
const USUAL: usize = 4;

const METHOD_NOT_ALLOWED: u16 = 405;

/// A method, a route and perhaps a known server, with everything that does not depend on the single request.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// A known one or `_OTHER`.
    pub(crate) method: &'static str,
    /// The matched route; none for an unmatched request, whose path must not stand in for it.
    pub(crate) route: Option<Cow<'static, str>>,
    /// One that metrics tell apart.
    pub(crate) known_server: Option<Authority<'static>>,
    pub(crate) span_name: Cow<'static, str>,
    pub(crate) active: Arc<ActiveCount>,
    pub(crate) server: Usual<Option<Authority<'static>>>,
    pub(crate) user_agent: Usual<&'static str>,
    /// The first ways in which requests have ended: compared instead of hashed.
    usual: [OnceLock<(Ending, Arc<RequestSeries>)>; USUAL],
}

impl Endpoint {
    fn new(asked: &Asked<'_>, route: Option<Cow<'static, str>>, active: &ActiveRequests) -> Self {
        let Asked {
            method,
            known_server,
            ..
        } = *asked;
        Self {
            method,
            known_server,
            span_name: semconv_http::span_name(method, route.as_deref()),
            route,
            active: active.of((method, known_server)),
            server: Usual(None),
            user_agent: Usual(None),
            usual: Default::default(),
        }
    }

    /// The names are those of the program for as long as it runs: no request copies them.
    fn kept(asked: &Asked<'_>, active: &ActiveRequests) -> Self {
        let route = asked.route.map(|route| forever(route).into());
        let endpoint = Self::new(asked, route, active);
        Self {
            span_name: forever(&endpoint.span_name).into(),
            server: Usual(Some(OnceLock::new())),
            user_agent: Usual(Some(OnceLock::new())),
            ..endpoint
        }
    }

    /// Records into the series of the requests that end like this.
    pub(crate) fn record(
        &self,
        instruments: &ServerInstruments,
        ending: Ending,
        record: impl FnOnce(&RequestSeries),
    ) {
        let resolve = || {
            // A method that the route does not have: there are more of those than of the others together, and callers
            // choose them.
            let route = self.route.as_deref();
            let route = route.filter(|_| ending.status != Some(METHOD_NOT_ALLOWED));
            instruments.series(&Labels {
                method: self.method,
                route,
                known_server: self.known_server,
                ending,
            })
        };
        for usual in &self.usual {
            let (known, series) = usual.get_or_init(|| (ending, resolve()));
            if *known == ending {
                return record(series);
            }
        }
        record(&resolve());
    }
}

/// The first text of its kind that requests of an endpoint came with, kept with what was made of it, because most come
/// with the same. An endpoint that is not kept itself keeps none.
#[derive(Debug)]
pub(crate) struct Usual<T>(Option<OnceLock<(&'static str, T)>>);

/// Longer ones are not kept: callers choose them.
const MAX_USUAL: usize = 256;

impl<T> Usual<T> {
    /// What was made of the text, if it is the usual one.
    fn get(&self, text: &str, make: impl FnOnce(&'static str) -> T) -> Option<&T> {
        let kept = self.0.as_ref().filter(|_| text.len() <= MAX_USUAL)?;
        let (usual, made) = kept.get_or_init(|| {
            let usual = forever(text);
            (usual, make(usual))
        });
        (*usual == text).then_some(made)
    }
}

impl Usual<&'static str> {
    /// The text as a value: the usual one is not copied.
    pub(crate) fn value(&self, text: &str) -> StringValue {
        match self.get(text, |usual| usual) {
            Some(usual) => (*usual).into(),
            None => text.to_owned().into(),
        }
    }
}

impl Usual<Option<Authority<'static>>> {
    /// The host and port of the text: the usual ones are neither parsed nor copied.
    pub(crate) fn value(&self, text: &str) -> Option<(StringValue, Option<u16>)> {
        match self.get(text, Authority::parse) {
            Some(usual) => usual.map(|Authority { host, port }| (host.into(), port)),
            None => Authority::parse(text).map(|it| (it.host.to_owned().into(), it.port)),
        }
    }
}

/// The endpoints that were asked for.
#[derive(Debug)]
pub(crate) struct Endpoints {
    known: SeriesCache<Key, Option<Arc<Endpoint>>>,
    active: ActiveRequests,
}

impl Endpoints {
    pub(crate) fn new(active: ActiveRequests) -> Self {
        Self::at_most(MAX_ENDPOINTS, active)
    }

    fn at_most(limit: usize, active: ActiveRequests) -> Self {
        Self {
            known: SeriesCache::new(limit),
            active,
        }
    }

    pub(crate) fn of(&self, asked: Asked<'_>) -> Arc<Endpoint> {
        let known = self.known.get(&asked, |series| match series {
            Series::Of(asked) => Some(Arc::new(Endpoint::kept(asked, &self.active))),
            Series::Overflow => None,
        });
        known.unwrap_or_else(|| {
            let route = asked.route.map(|route| route.to_owned().into());
            Arc::new(Endpoint::new(&asked, route, &self.active))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    method: &'static str,
    route: Option<&'static str>,
    known_server: Option<Authority<'static>>,
}

/// The key of one request, which hashes like the one that is kept.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Asked<'a> {
    /// A known one or `_OTHER`.
    pub(crate) method: &'static str,
    pub(crate) route: Option<&'a str>,
    /// One that metrics tell apart.
    pub(crate) known_server: Option<Authority<'static>>,
}

impl hashbrown::Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.method == key.method
            && self.route == key.route
            && self.known_server == key.known_server
    }
}

impl ToKey<Key> for Asked<'_> {
    fn to_key(&self) -> Key {
        Key {
            method: self.method,
            route: self.route.map(forever),
            known_server: self.known_server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(method: &'static str, route: Option<&'a str>) -> Asked<'a> {
        Asked {
            method,
            route,
            known_server: None,
        }
    }

    #[test]
    fn the_names_of_an_endpoint_are_kept_once() {
        let endpoints = Endpoints::new(ActiveRequests::default());
        let first = endpoints.of(asked("GET", Some("/orders/{id}")));
        assert!(Arc::ptr_eq(
            &first,
            &endpoints.of(asked("GET", Some("/orders/{id}")))
        ));
        assert!(matches!(first.span_name, Cow::Borrowed("GET /orders/{id}")));
        assert!(matches!(first.route, Some(Cow::Borrowed("/orders/{id}"))));
        let put = endpoints.of(asked("PUT", Some("/orders/{id}")));
        assert_eq!(put.span_name, "PUT /orders/{id}");
        let unmatched = endpoints.of(asked("GET", None));
        assert_eq!((&*unmatched.span_name, &unmatched.route), ("GET", &None));
    }

    #[test]
    fn each_known_server_has_endpoints_of_its_own() {
        let endpoints = Endpoints::new(ActiveRequests::default());
        // So many that they meet each other in the table.
        let servers = || (0..500).map(|i| Authority::parse(forever(&format!("e{i}.example"))));
        let of = |known_server| {
            endpoints.of(Asked {
                known_server,
                ..asked("GET", Some("/"))
            })
        };
        servers().for_each(|server| drop(of(server)));
        for server in servers() {
            assert_eq!(of(server).known_server, server);
        }
    }

    #[test]
    fn of_hosts_and_agents_the_first_is_kept_and_others_are_copied() {
        let endpoints = Endpoints::new(ActiveRequests::default());
        let endpoint = endpoints.of(asked("GET", Some("/usual")));
        for (text, host, port) in [
            ("shop.example:81", "shop.example", Some(81)),
            ("other.example", "other.example", None),
            ("shop.example:81", "shop.example", Some(81)),
        ] {
            assert_eq!(endpoint.server.value(text), Some((host.into(), port)));
            assert_eq!(endpoint.user_agent.value(text).as_str(), text);
        }
        assert_eq!(endpoint.server.value("a b"), None);
        let kept = endpoint.user_agent.0.as_ref().and_then(OnceLock::get);
        assert_eq!(kept.map(|(usual, _)| *usual), Some("shop.example:81"));
        let long = "a".repeat(MAX_USUAL + 1);
        let endpoint = endpoints.of(asked("GET", Some("/unusual")));
        assert_eq!(endpoint.user_agent.value(&long).as_str(), long);
        assert!(
            endpoint
                .user_agent
                .0
                .as_ref()
                .is_some_and(|kept| kept.get().is_none())
        );
    }

    #[test]
    fn endpoints_past_the_limit_are_named_but_not_kept() {
        let endpoints = Endpoints::at_most(5, ActiveRequests::default());
        let kept = |i: usize| {
            let route = format!("/endpoints/{i}");
            let endpoint = endpoints.of(asked("GET", Some(&route)));
            assert_eq!(endpoint.span_name, format!("GET {route}"));
            Arc::ptr_eq(&endpoint, &endpoints.of(asked("GET", Some(&route))))
        };
        assert_eq!((0..10).filter(|i| kept(*i)).count(), 5);
    }
}
