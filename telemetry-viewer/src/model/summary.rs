use std::collections::HashSet;
use std::sync::Arc;

use super::{Span, SpanId, SpanStatus};

/// What a list tells about a trace. It holds spans and no texts, so that it costs little.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// The span everything else descends from.
    pub(crate) root: Option<Arc<Span>>,
    /// Start of the earliest span.
    pub(crate) start_unix_nanos: u64,
    /// From the start of the root to the end of the last span, in nanoseconds.
    pub(crate) finished_after_nanos: u64,
    pub(crate) spans: usize,
    /// Spans whose status is an error.
    pub(crate) errors: usize,
    /// The span where the error began: the first failed one with no failed span below it.
    pub(crate) cause: Option<Arc<Span>>,
    /// The failed span that says most about it: the cause, or one above it if that has no more than a status code.
    pub(crate) told: Option<Arc<Span>>,
    /// One span of each service, in the order in which they took part.
    pub(crate) services: Vec<Arc<Span>>,
}

impl Summary {
    pub(crate) fn of(spans: &[Arc<Span>]) -> Self {
        let order = |span: &&Arc<Span>| (span.start_unix_nanos, span.span_id);
        let root = root(spans);
        let end = spans.iter().map(|span| span.end_unix_nanos).max();
        let start = root.map_or(0, |root| root.start_unix_nanos);
        let failed: Vec<&Arc<Span>> = spans.iter().filter(|span| span.is_error()).collect();
        let above: HashSet<SpanId> = failed.iter().filter_map(|it| it.parent_span_id).collect();
        let causes = failed.iter().copied();
        let cause = causes
            .filter(|span| !above.contains(&span.span_id))
            .min_by_key(order);
        Self {
            root: root.cloned(),
            start_unix_nanos: spans
                .iter()
                .map(|it| it.start_unix_nanos)
                .min()
                .unwrap_or(0),
            finished_after_nanos: end.unwrap_or(0).saturating_sub(start),
            spans: spans.len(),
            errors: failed.len(),
            told: cause.map(|cause| Arc::clone(telling(cause, &failed))),
            cause: cause.cloned(),
            services: services(spans),
        }
    }

    /// How long the caller waited: the duration of the root span, in nanoseconds.
    pub(crate) fn duration_nanos(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.duration_nanos())
    }

    /// Whether work of the trace went on after its caller had the answer.
    pub(crate) fn goes_on(&self) -> bool {
        self.finished_after_nanos > self.duration_nanos()
    }

    /// Whether that work took so long that, drawn on one axis, it would leave no room for the answer.
    pub(crate) fn goes_on_long(&self) -> bool {
        let answered = self.duration_nanos();
        answered > 0 && self.finished_after_nanos > answered.saturating_mul(LONG_AFTER)
    }

    /// Whether the request itself failed, not only a span somewhere below it.
    pub(crate) fn root_failed(&self) -> bool {
        self.root.as_ref().is_some_and(|root| root.is_error())
    }

    /// Why the trace failed, in one line; empty if it did not.
    pub(crate) fn reason(&self) -> String {
        let reason = self.told.as_deref().map(reason).unwrap_or_default();
        match &self.cause {
            // A call that failed with a status says more by its name.
            Some(cause) if reason.parse::<u16>().is_ok() => format!("{} {reason}", cause.name),
            _ => reason,
        }
    }
}

/// The last span ended so many times as long after the start as the answer took.
const LONG_AFTER: u64 = 3;

fn telling<'a>(cause: &'a Arc<Span>, failed: &[&'a Arc<Span>]) -> &'a Arc<Span> {
    let tells = |span: &Span| reason(span).parse::<u16>().is_err();
    if tells(cause) {
        return cause;
    }
    let above = failed.iter().copied().filter(|span| tells(span));
    // The closest to the cause started last.
    above
        .max_by_key(|span| span.start_unix_nanos)
        .unwrap_or(cause)
}

/// The kind of the error and its message, as far as the span has them.
pub(crate) fn reason(span: &Span) -> String {
    let SpanStatus::Error { message } = &span.status else {
        return String::new();
    };
    let kind = span.attribute("error.type").map(|it| it.to_string());
    match (kind, message.as_str()) {
        (Some(kind), "") => kind,
        (Some(kind), message) if kind != message => format!("{kind}: {message}"),
        (_, "") => "failed".to_owned(),
        (_, message) => message.to_owned(),
    }
}

/// The first span without a parent, else the first whose parent has not been received, else the first.
pub(super) fn root(spans: &[Arc<Span>]) -> Option<&Arc<Span>> {
    let order = |span: &&Arc<Span>| (span.start_unix_nanos, span.span_id);
    let top = spans.iter().filter(|span| span.parent_span_id.is_none());
    top.min_by_key(order).or_else(|| {
        let received: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let orphan = |span: &&Arc<Span>| {
            span.parent_span_id
                .is_none_or(|parent| !received.contains(&parent))
        };
        let orphans = spans.iter().filter(orphan).min_by_key(order);
        orphans.or_else(|| spans.iter().min_by_key(order))
    })
}

fn services(spans: &[Arc<Span>]) -> Vec<Arc<Span>> {
    let mut found: Vec<&Arc<Span>> = Vec::new();
    for span in spans {
        // Few services take part in a trace, and neighbours are mostly of the same one.
        match found.iter().rposition(|it| it.service == span.service) {
            Some(at) if span.start_unix_nanos < found[at].start_unix_nanos => found[at] = span,
            None if found.len() < MAX_SERVICES => found.push(span),
            _ => {}
        }
    }
    found.sort_by_key(|span| (span.start_unix_nanos, span.span_id));
    found.into_iter().cloned().collect()
}

/// More services than this in one trace are no longer told one by one.
const MAX_SERVICES: usize = 64;
