//! Checks that everything the requests must leave has arrived: spans, measurements, log lines.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::cases::Case;
use crate::checkouts::{OWN_ID, Visit};
use crate::failure::{Failure, Result, Unmet};
use crate::polling::poll;
use crate::stage::{Addresses, Stage};
use crate::viewer::{LogRecord, Point, Span, Trace, Viewer};

#[cfg(test)]
mod tests;

/// Telemetry is on its way for a second and a half at most; the rest is for slow machines.
const LIMIT: Duration = Duration::from_secs(10);

/// A histogram and who records it.
struct Histogram {
    name: &'static str,
    service: &'static str,
    /// The spans it must have a measurement for.
    measures: fn(&Span) -> bool,
}

const HISTOGRAMS: [Histogram; 7] = [
    Histogram {
        name: "http.server.request.duration",
        service: "retail-web",
        measures: is_server,
    },
    Histogram {
        name: "http.server.request.duration",
        service: "retail-api",
        measures: is_server,
    },
    Histogram {
        name: "http.client.request.duration",
        service: "retail-web",
        measures: is_client,
    },
    Histogram {
        name: "db.client.operation.duration",
        service: "retail-api",
        measures: is_client,
    },
    Histogram {
        name: "db.client.operation.duration",
        service: "retail-worker",
        measures: is_client,
    },
    Histogram {
        name: "messaging.process.duration",
        service: "retail-worker",
        measures: |span| span.kind == "CONSUMER",
    },
    Histogram {
        name: "retail.step.duration",
        service: "retail-web",
        measures: |span| span.kind == "INTERNAL",
    },
];

fn is_server(span: &Span) -> bool {
    span.kind == "SERVER"
}

/// In retail-web a call to retail-api, in retail-api a statement.
fn is_client(span: &Span) -> bool {
    span.kind == "CLIENT"
}

/// The telemetry that has arrived.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// The trace of each visit, in their order.
    pub(crate) traces: Vec<Trace>,
    /// Log lines with the correlation id [`OWN_ID`].
    pub(crate) logs: usize,
    /// The log line that says why [`Case::GatewayDown`] went wrong.
    pub(crate) failure_log: LogRecord,
}

/// Waits until everything has arrived, or tells what has not.
pub(crate) async fn arrived(
    viewer: &Viewer,
    visits: &[Visit],
    stage: &mut Stage,
) -> Result<Evidence> {
    poll(LIMIT, async || {
        stage.check()?;
        let mut traces = Vec::new();
        for visit in visits {
            traces.push(trace(viewer.traces(&visit.correlation_id).await?, visit)?);
        }
        let points = viewer.metrics().await?;
        metrics(&points, &traces)?;
        let services = viewer.logs(OWN_ID).await?;
        let services: Vec<_> = services
            .iter()
            .map(|record| record.service.as_str())
            .collect();
        logs(&services)?;
        let mut broken = visits.iter().zip(&traces);
        let Some((visit, trace)) = broken.find(|(visit, _)| visit.case == Case::GatewayDown) else {
            return Err(Failure::new("no checkout met a gateway that is down").into());
        };
        let failure_log = failure_log(viewer.logs(&visit.correlation_id).await?, trace)?;
        Ok(Evidence {
            logs: services.len(),
            traces,
            failure_log,
        })
    })
    .await
}

/// The business metrics, as `/metrics` names them.
const BUSINESS: [&str; 4] = [
    "retail_checkouts_total",
    "retail_checkout_value_sum",
    "retail_checkout_value_count",
    "retail_stock",
];

/// Asks both services for their metrics once, as a scraper would, and answers what the business counts.
pub(crate) async fn scraped(
    client: &reqwest::Client,
    addresses: &Addresses,
) -> Result<Vec<String>> {
    let mut business = Vec::new();
    for base in [&addresses.web, &addresses.api] {
        let url = format!("{base}/metrics");
        let answer = async {
            client
                .get(&url)
                .send()
                .await?
                .error_for_status()?
                .text()
                .await
        };
        let text = answer
            .await
            .map_err(|error| Failure::new(format!("cannot scrape: {error}")))?;
        let name = "http_server_request_duration_seconds";
        if !text.contains(name) {
            return Err(Failure::new(format!("{url} does not mention {name}")));
        }
        let counted = |line: &&str| BUSINESS.iter().any(|name| line.starts_with(name));
        business.extend(text.lines().filter(counted).map(without_scope));
    }
    business.sort();
    let is_there = |name: &str| business.iter().any(|line| line.starts_with(name));
    match BUSINESS.iter().find(|name| !is_there(name)) {
        Some(name) => Err(Failure::new(format!("/metrics does not mention {name}"))),
        None => Ok(business),
    }
}

/// A line of `/metrics` without the labels that say who measured, which take more room than what was.
fn without_scope(line: &str) -> String {
    let parts = line
        .split_once('{')
        .and_then(|(name, rest)| Some((name, rest.rsplit_once("} ")?)));
    let Some((name, (labels, value))) = parts else {
        return line.to_owned();
    };
    let told = labels
        .split(',')
        .filter(|label| !label.starts_with("otel_scope_"));
    let told: Vec<_> = told.collect();
    format!("{name:<27} {value:>8}  {}", told.join(" "))
        .trim_end()
        .to_owned()
}

/// The one trace of a visit, with every span it must have.
fn trace(mut found: Vec<Trace>, visit: &Visit) -> std::result::Result<Trace, Unmet> {
    let (id, case) = (&visit.correlation_id, visit.case);
    let trace = match (found.pop(), found.len()) {
        (Some(trace), 0) => trace,
        (None, _) => return Err(Unmet::Yet(format!("no trace has the correlation id {id}"))),
        // Where propagation fails the parts have nothing to join them, however long one waits.
        (Some(_), more) => {
            return Err(Unmet::Yet(format!(
                "{} traces have the correlation id {id}",
                more + 1
            )));
        }
    };
    let there = paths(&trace);
    let missing = expected_paths(case.spans())
        .into_iter()
        .find(|path| !there.contains(path));
    if let Some(path) = missing {
        let place = path.join(" > ");
        let trace_id = &trace.trace_id;
        return Err(Unmet::Yet(format!(
            "{case:?}: trace {trace_id} has no span {place}"
        )));
    }
    let roots = there.iter().filter(|path| path.len() == 1).count();
    if roots != 1 {
        let trace_id = &trace.trace_id;
        return Err(Unmet::Yet(format!(
            "{case:?}: trace {trace_id} is in {roots} pieces"
        )));
    }
    Ok(trace)
}

/// Each span with those above it, outermost first.
fn paths(trace: &Trace) -> HashSet<Vec<String>> {
    let by_id: HashMap<&str, &Span> = trace
        .spans
        .iter()
        .map(|it| (it.span_id.as_str(), it))
        .collect();
    let path = |span| {
        let parent = |span: &&Span| by_id.get(span.parent_span_id.as_deref()?).copied();
        // Bounded, should there ever be a circle.
        let upwards = std::iter::successors(Some(span), parent).take(by_id.len());
        let mut path: Vec<String> = upwards.map(label).collect();
        path.reverse();
        path
    };
    trace.spans.iter().map(path).collect()
}

fn label(span: &Span) -> String {
    let mark = if span.is_error() { " ERROR" } else { "" };
    format!("{}{mark}", span.title())
}

/// Each line of an indented text with those above it, outermost first.
fn expected_paths(text: &str) -> Vec<Vec<String>> {
    let mut above: Vec<String> = Vec::new();
    text.lines()
        .map(|line| {
            let label = line.trim_start();
            above.truncate((line.len() - label.len()) / 2);
            above.push(label.to_owned());
            above.clone()
        })
        .collect()
}

/// Every histogram has one measurement for each of its spans: no more, no less.
fn metrics(points: &[Point], traces: &[Trace]) -> std::result::Result<(), Unmet> {
    for Histogram {
        name,
        service,
        measures,
    } in HISTOGRAMS
    {
        let spans = traces.iter().flat_map(|trace| &trace.spans);
        let expected = spans
            .filter(|span| span.service == service && measures(span))
            .count() as u64;
        let of_metric = points
            .iter()
            .filter(|point| point.name == name && point.service == service);
        let measured: u64 = of_metric.map(|point| point.value.count).sum();
        if measured != expected {
            return Err(Unmet::Yet(format!(
                "{name} of {service} has {measured} measurements for {expected} spans"
            )));
        }
    }
    Ok(())
}

/// One line of retail-web, one for each of the three calls to retail-api, and two of the confirmation, at least.
fn logs(services: &[&str]) -> std::result::Result<(), Unmet> {
    for (service, least) in [("retail-web", 1), ("retail-api", 3), ("retail-worker", 2)] {
        let lines = services.iter().filter(|it| **it == service).count();
        if lines < least {
            return Err(Unmet::Yet(format!(
                "{service} has {lines} log lines with the correlation id {OWN_ID} instead of {least}"
            )));
        }
    }
    Ok(())
}

/// The line that the span which went wrong has logged as an error.
fn failure_log(records: Vec<LogRecord>, trace: &Trace) -> std::result::Result<LogRecord, Unmet> {
    let span = culprit(trace).map(|span| span.span_id.as_str());
    let mut of_span = records
        .into_iter()
        .filter(|record| record.severity == "ERROR" && record.span_id.as_deref() == span);
    of_span.next().ok_or_else(|| {
        let trace_id = &trace.trace_id;
        Unmet::Yet(format!(
            "the span that failed in trace {trace_id} has no log line with the level ERROR"
        ))
    })
}

/// The span where a request that failed went wrong: the innermost with an error, else the innermost that says no.
pub(crate) fn culprit(trace: &Trace) -> Option<&Span> {
    let parents = |among: &dyn Fn(&Span) -> bool| -> HashSet<&str> {
        let chosen = trace.spans.iter().filter(|span| among(span));
        chosen
            .filter_map(|span| span.parent_span_id.as_deref())
            .collect()
    };
    let innermost = |among: &dyn Fn(&Span) -> bool| {
        let above = parents(among);
        let mut spans = trace.spans.iter();
        spans.find(|span| among(span) && !above.contains(span.span_id.as_str()))
    };
    innermost(&Span::is_error)
        .or_else(|| innermost(&|span| span.attributes.contains_key("retail.reason")))
}
