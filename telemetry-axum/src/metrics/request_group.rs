//! The requests that have the same labels at their start.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use opentelemetry::StringValue;
use telemetry_api::instrument::series::{Series, SeriesCache};
use telemetry_semconv::{http as semconv_http, http::Authority, names::forever};

use super::{
    active_requests::{ActiveBySchemes, ActiveRequests},
    first_text::FirstText,
    request_series::{EndLabels, RequestSeries, StartLabels},
};

/// The series that a group finds without hashing their labels. Most requests of a group end in one or two ways.
const FIRST_SERIES: usize = 4;

/// The most series of one group. A group has one for each status, scheme and protocol version that occurs.
const MAX_GROUP_SERIES: usize = 1500;

/// All requests of one method, route and known server, with everything that is the same for each of them.
#[derive(Debug)]
pub(crate) struct RequestGroup {
    pub(crate) labels: StartLabels<Cow<'static, str>>,
    pub(crate) span_name: Cow<'static, str>,
    pub(crate) active: Arc<ActiveBySchemes>,
    /// The first series in which requests of this group have ended, to be compared instead of hashed.
    first_series: [OnceLock<(EndLabels, Arc<RequestSeries>)>; FIRST_SERIES],
    /// All series in which requests of this group have ended.
    series: SeriesCache<EndLabels, Arc<RequestSeries>>,
    /// `None` for a group that is not kept.
    first_texts: Option<FirstTexts>,
}

#[derive(Debug, Default)]
struct FirstTexts {
    host: FirstText<Option<Authority<'static>>>,
    user_agent: FirstText<&'static str>,
}

impl RequestGroup {
    /// A group that is used for one request and then dropped.
    pub(crate) fn new(labels: StartLabels<Cow<'static, str>>, active: &ActiveRequests) -> Self {
        Self {
            span_name: semconv_http::span_name(labels.method, labels.route.as_deref()),
            active: active.of(labels.method, labels.known_server),
            first_series: Default::default(),
            series: SeriesCache::new(MAX_GROUP_SERIES),
            first_texts: None,
            labels,
        }
    }

    /// A group that is kept as long as the program runs. Its names are static, so that no request copies them.
    pub(crate) fn kept(labels: StartLabels<Cow<'static, str>>, active: &ActiveRequests) -> Self {
        let group = Self::new(labels, active);
        Self {
            span_name: forever(&group.span_name).into(),
            first_texts: Some(FirstTexts::default()),
            ..group
        }
    }

    /// The series of a request that has ended with these labels. The first time, `bind` makes it.
    pub(crate) fn series(
        &self,
        end: EndLabels,
        bind: impl Fn(Series<'_, EndLabels>) -> Arc<RequestSeries>,
    ) -> Arc<RequestSeries> {
        for first in &self.first_series {
            let (labels, series) = first.get_or_init(|| (end, self.series.get(&end, &bind)));
            if *labels == end {
                return series.clone();
            }
        }
        self.series.get(&end, bind)
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.first_texts.is_some()
    }

    /// `server.address` and `server.port` of a `Host` header or authority. `None` if the text is neither.
    pub(crate) fn server(&self, host: &str) -> Option<(StringValue, Option<u16>)> {
        let first = self.first_texts.as_ref();
        match first.and_then(|first| first.host.get(host, Authority::parse)) {
            Some(parsed) => parsed.map(|Authority { host, port }| (host.into(), port)),
            None => Authority::parse(host).map(|it| (it.host.to_owned().into(), it.port)),
        }
    }

    /// The value of `user_agent.original`.
    pub(crate) fn user_agent(&self, text: &str) -> StringValue {
        let first = self.first_texts.as_ref();
        match first.and_then(|first| first.user_agent.get(text, |text| text)) {
            Some(kept) => kept.into(),
            None => text.to_owned().into(),
        }
    }
}
