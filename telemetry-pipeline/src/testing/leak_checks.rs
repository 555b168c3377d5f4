//! Assertions on all telemetry of a test together: nothing leaks, and no signal has a secret.

use std::time::Duration;

use opentelemetry::{Array, KeyValue, Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;

use crate::testing::{
    log_assert,
    recorded_metrics::{self, Point, Series},
    test_telemetry::{PATIENCE, TestTelemetry},
};
use telemetry_api::instrument::scrape::ScrapeFormat;

/// Between two looks of [`TestTelemetry::settled`], which nothing tells of the end of.
const PAUSE: Duration = Duration::from_millis(1);

/// Up/down counters of the conventions that tell of what exists rather than of what is being done.
const STOCKS: [&str; 4] = ["db.client.connection.", "otel.", "process.", "system."];

impl TestTelemetry {
    /// Asserts that nothing is left open: every span that was started has ended, and every up/down counter, such as
    /// `http.server.active_requests`, is back at zero.
    ///
    /// Up/down counters that tell of what exists, such as the memory of the process and the idle connections of a
    /// pool, are left out: `otel.*`, `process.*`, `system.*` and `db.client.connection.*`, except for a pool's used
    /// connections and waiting requests. For those of your own, see
    /// [`assert_no_leaks_except`](Self::assert_no_leaks_except).
    #[track_caller]
    pub fn assert_no_leaks(&self) {
        self.assert_no_leaks_except(&[]);
    }

    /// [`assert_no_leaks`](Self::assert_no_leaks), but for these up/down counters, such as the length of a queue.
    #[track_caller]
    pub fn assert_no_leaks_except(&self, instruments: &[&str]) {
        let leaks = self.leaks(instruments);
        assert!(leaks.is_none(), "{}", leaks.unwrap_or_default());
    }

    /// Waits until [`assert_no_leaks`](Self::assert_no_leaks) holds.
    ///
    /// A server's span ends when the response's last byte is handed over, and a connection goes back to its pool in a
    /// task of its own: both may be a moment after the caller has its answer. Prefer this to sleeping.
    ///
    /// # Panics
    ///
    /// After 10 seconds, with what is still open.
    pub async fn settled(&self) {
        let settling = async {
            while self.leaks(&[]).is_some() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(PATIENCE, settling).await.is_err() {
            self.assert_no_leaks();
        }
    }

    /// A full description of everything left open; `None` if nothing is.
    fn leaks(&self, except: &[&str]) -> Option<String> {
        let open = self.open_spans();
        if !open.is_empty() {
            let open = open.join(", ");
            let rest = self.what_there_is(&[]);
            return Some(format!("these spans have not ended: {open}\n{rest}"));
        }
        let mut series = self.series();
        series.retain(|one| {
            is_flow(one) && !except.contains(&&*one.instrument) && !is_zero(&one.point)
        });
        let list = || recorded_metrics::list(&series);
        (!series.is_empty())
            .then(|| format!("these up/down counters are not back at zero:\n{}", list()))
    }

    /// Asserts that a text is in no signal: not in names, attributes, events, links and statuses of spans that have
    /// ended, not in metrics or their exemplars, not in log records or log lines. Plant a secret in a request, then
    /// look for it here.
    ///
    /// An empty text is in everything.
    #[track_caller]
    pub fn assert_absent(&self, secret: &str) {
        let mut places = Vec::new();
        for span in self.recorded() {
            let texts = texts_of(&span);
            let found = texts.iter().filter(|(_, text)| text.contains(secret));
            places.extend(found.map(|(place, _)| format!("span {:?}, {place}", span.name)));
        }
        for series in self.series() {
            let found =
                |one: &&KeyValue| one.key.as_str().contains(secret) || holds(&one.value, secret);
            let keys = series.attributes.iter().filter(found);
            places.extend(keys.map(|one| format!("metric {}, {}", series.instrument, one.key)));
            if series.instrument.contains(secret) {
                places.push("the name of a metric".to_owned());
            }
        }
        let text = self.providers.scrape(ScrapeFormat::OpenMetrics);
        let text = text.filter(|_| places.is_empty()).unwrap_or_default();
        let found = text.lines().filter(|line| line.contains(secret));
        places.extend(found.map(|line| format!("the text of /metrics: {line}")));
        for record in self.logs() {
            let message = [("the message", record.message.clone())];
            let names = record
                .event_name
                .iter()
                .map(|name| ("the name", name.clone()));
            let ids = record
                .correlation_id
                .iter()
                .map(|id| ("the correlation id", id.clone()));
            let fields = record
                .fields
                .iter()
                .map(|(key, value)| (key.as_str(), [key, " ", &log_assert::show(value)].concat()));
            let all = message.into_iter().chain(names).chain(ids).chain(fields);
            let found = all.filter(|(_, text)| text.contains(secret));
            let target = &record.target;
            places.extend(found.map(|(place, _)| format!("log record of {target}, {place}")));
        }
        let lines = self.log_lines();
        if places.is_empty() && lines.iter().any(|line| line.contains(secret)) {
            places.push("a log line".to_owned());
        }
        assert!(
            places.is_empty(),
            "{secret:?} is in\n  {}",
            places.join("\n  ")
        );
    }
}

fn is_flow(series: &Series) -> bool {
    let name = series.instrument.as_str();
    let used = || {
        let state = series.attribute("db.client.connection.state");
        state.is_some_and(|state| state.as_str() == "used")
    };
    match name {
        "db.client.connection.pending_requests" => true,
        "db.client.connection.count" => used(),
        _ => !STOCKS.iter().any(|stock| name.starts_with(stock)),
    }
}

fn is_zero(point: &Point) -> bool {
    match point {
        Point::Number { value, up_down } => !up_down || *value == 0.0,
        Point::Histogram { .. } => true,
    }
}

/// Every text of a span, and where it stands.
fn texts_of(span: &SpanData) -> Vec<(String, String)> {
    let mut texts = vec![("the name".to_owned(), span.name.to_string())];
    let mut add = |place: String, attributes: &[KeyValue]| {
        for one in attributes {
            let place = format!("{place}{}", one.key);
            texts.push((place.clone(), one.key.to_string()));
            texts.extend(
                strings(&one.value)
                    .into_iter()
                    .map(|text| (place.clone(), text)),
            );
        }
    };
    add(String::new(), &span.attributes);
    for event in span.events.iter() {
        add(format!("event {:?}, ", event.name), &event.attributes);
    }
    for link in span.links.iter() {
        add("link, ".to_owned(), &link.attributes);
    }
    for event in span.events.iter() {
        texts.push(("the name of an event".to_owned(), event.name.to_string()));
    }
    if let Status::Error { description } = &span.status {
        texts.push(("the status".to_owned(), description.to_string()));
    }
    let state = span.span_context.trace_state().header();
    texts.push(("the tracestate".to_owned(), state));
    texts
}

fn holds(value: &Value, secret: &str) -> bool {
    strings(value).iter().any(|text| text.contains(secret))
}

/// The texts of a value. `Display` of an array would escape them.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(Array::String(texts)) => texts.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}
