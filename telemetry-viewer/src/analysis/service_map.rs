//! Who calls whom, from spans.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{Span, SpanId, SpanKind, Trace};

/// Something that is called or calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    /// Those who call the first service and send no spans.
    Callers,
    Service(String),
    /// A database, by system and name.
    Database(String),
    /// A queue or topic.
    Queue(String),
    /// A host that sends no spans.
    Host(String),
}

/// What went over one arrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    /// Nanoseconds, ascending.
    pub(crate) durations: Vec<u64>,
    first: u64,
    last: u64,
}

impl Traffic {
    fn add(&mut self, span: &Span) {
        self.calls += 1;
        self.errors += u64::from(span.is_error());
        self.durations.push(span.duration_nanos());
        if self.first == 0 || span.start_unix_nanos < self.first {
            self.first = span.start_unix_nanos;
        }
        self.last = self.last.max(span.end_unix_nanos);
    }

    /// The duration that 95 of 100 calls do not exceed, in nanoseconds.
    pub(crate) fn p95(&self) -> u64 {
        let rank = (self.durations.len() * 95).div_ceil(100).saturating_sub(1);
        self.durations.get(rank).copied().unwrap_or(0)
    }

    /// Calls per second between the first and the last one.
    pub(crate) fn rate(&self) -> Option<f64> {
        let seconds = self.last.saturating_sub(self.first) as f64 / 1e9;
        (self.calls > 1 && seconds > 0.0).then(|| self.calls as f64 / seconds)
    }
}

/// The arrows between nodes.
pub(crate) type ServiceMap = BTreeMap<(Node, Node), Traffic>;

/// Adds the calls of a trace to the map.
pub(crate) fn add(map: &mut ServiceMap, trace: &Trace) {
    let by_id: HashMap<SpanId, &Arc<Span>> = trace
        .spans
        .iter()
        .map(|span| (span.span_id, span))
        .collect();
    let mut answered: HashMap<SpanId, &str> = HashMap::new();
    for span in &trace.spans {
        let parent = span.parent_span_id.and_then(|id| by_id.get(&id));
        match (span.kind, parent) {
            (SpanKind::Server, Some(caller)) if caller.kind == SpanKind::Client => {
                answered.insert(caller.span_id, &span.service);
            }
            (SpanKind::Server, None) => {
                let arrow = (Node::Callers, Node::Service(span.service.clone()));
                map.entry(arrow).or_default().add(span);
            }
            _ => {}
        }
    }
    for span in &trace.spans {
        let own = Node::Service(span.service.clone());
        let arrow = match span.kind {
            SpanKind::Producer => (own, queue(span)),
            SpanKind::Consumer => (queue(span), own),
            SpanKind::Client => match answered.get(&span.span_id) {
                Some(service) => (own, Node::Service((*service).to_owned())),
                None => match called(span) {
                    Some(node) => (own, node),
                    None => continue,
                },
            },
            _ => continue,
        };
        map.entry(arrow).or_default().add(span);
    }
}

/// Puts the durations in order, once all traces are there.
pub(crate) fn finish(map: &mut ServiceMap) {
    for traffic in map.values_mut() {
        traffic.durations.sort_unstable();
    }
}

fn called(span: &Span) -> Option<Node> {
    let text = |key| span.attribute(key).map(ToString::to_string);
    if let Some(system) = text("db.system.name").or_else(|| text("db.system")) {
        let name = text("db.namespace").or_else(|| text("server.address"));
        return Some(Node::Database(match name {
            Some(name) => format!("{system} {name}"),
            None => system,
        }));
    }
    if text("messaging.system").is_some() {
        return Some(queue(span));
    }
    text("server.address").map(Node::Host)
}

fn queue(span: &Span) -> Node {
    let text = |key| span.attribute(key).map(ToString::to_string);
    let name = text("messaging.destination.name").or_else(|| text("messaging.system"));
    Node::Queue(name.unwrap_or_else(|| span.name.clone()))
}
