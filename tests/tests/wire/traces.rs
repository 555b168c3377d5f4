//! Spans as text: a resource for each service, then each trace as a tree.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::{
    resource::v1::Resource,
    trace::v1::{
        Span,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};

use crate::{
    render::{self, attributes, hex},
    scenario::Output,
};

/// One trace, its spans in the order of the tree.
pub(crate) struct Trace {
    id: Vec<u8>,
    spans: Vec<Placed>,
}

/// A span, and how deep it stands in the tree.
struct Placed {
    depth: usize,
    sent: Sent,
}

/// A span with its sender.
#[derive(Clone)]
struct Sent {
    service: String,
    scope: String,
    span: Span,
}

impl Trace {
    pub(crate) fn id(&self) -> &[u8] {
        &self.id
    }

    pub(crate) fn spans_in_order(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().map(|placed| &placed.sent.span)
    }

    fn new(id: Vec<u8>, mut sent: Vec<Sent>) -> Self {
        // Siblings are spans of one process, one after the other. Their times are of one clock.
        sent.sort_by_key(|sent| sent.span.start_time_unix_nano);
        let ids: BTreeSet<_> = sent.iter().map(|it| it.span.span_id.clone()).collect();
        let mut children = BTreeMap::<Vec<u8>, Vec<Sent>>::new();
        for sent in sent {
            let parent = &sent.span.parent_span_id;
            let parent = if ids.contains(parent) {
                parent.clone()
            } else {
                Vec::new()
            };
            children.entry(parent).or_default().push(sent);
        }
        let mut trace = Self {
            id,
            spans: Vec::new(),
        };
        trace.place(&[], 0, &mut children);
        trace
    }

    fn place(&mut self, parent: &[u8], depth: usize, children: &mut BTreeMap<Vec<u8>, Vec<Sent>>) {
        for sent in children.remove(parent).unwrap_or_default() {
            let id = sent.span.span_id.clone();
            self.spans.push(Placed { depth, sent });
            self.place(&id, depth + 1, children);
        }
    }

    fn begin(&self) -> u64 {
        let times = self.spans_in_order().map(|span| span.start_time_unix_nano);
        times.min().unwrap_or_default()
    }
}

/// All traces. The requests came one after the other, and so do their traces.
pub(crate) fn all(output: &Output) -> Vec<Trace> {
    let mut by_trace = BTreeMap::<Vec<u8>, Vec<Sent>>::new();
    for sent in sent(output) {
        let trace = by_trace.entry(sent.span.trace_id.clone()).or_default();
        trace.push(sent);
    }
    let traces = by_trace
        .into_iter()
        .map(|(id, spans)| Trace::new(id, spans));
    let mut traces: Vec<_> = traces.collect();
    traces.sort_by_key(Trace::begin);
    traces
}

fn sent(output: &Output) -> impl Iterator<Item = Sent> {
    let requests = output.received.traces.iter();
    let resources = requests.flat_map(|request| &request.resource_spans);
    resources.flat_map(|of_resource| {
        let service = service(of_resource.resource.as_ref());
        of_resource.scope_spans.iter().flat_map(move |of_scope| {
            let scope = render::scope(of_scope.scope.as_ref(), &of_scope.schema_url);
            let service = service.clone();
            of_scope.spans.iter().map(move |span| Sent {
                service: service.clone(),
                scope: scope.clone(),
                span: span.clone(),
            })
        })
    })
}

/// The name of the service that a resource is of.
pub(crate) fn service(resource: Option<&Resource>) -> String {
    let mut attributes = resource.into_iter().flat_map(|it| &it.attributes);
    let name = attributes.find(|it| it.key == "service.name");
    name.map_or_else(
        || "no service".to_owned(),
        |it| render::any(it.value.as_ref()),
    )
}

pub(crate) fn render(output: &Output) -> String {
    let requests = output.received.traces.iter();
    let resources: BTreeSet<_> = requests
        .flat_map(|request| &request.resource_spans)
        .map(|it| {
            let resource = render::resource(it.resource.as_ref(), &it.schema_url);
            format!("# {}\n\n{resource}\n", service(it.resource.as_ref()))
        })
        .collect();
    let mut text: String = resources.into_iter().collect();
    for trace in all(output) {
        text.push_str(&format!("# Trace {}\n\n", hex(&trace.id)));
        text.extend(trace.spans.iter().map(Placed::render));
        text.push('\n');
    }
    text
}

impl Placed {
    fn render(&self) -> String {
        let indent = "    ".repeat(self.depth);
        let Sent {
            service,
            scope,
            span,
        } = &self.sent;
        let kind = SpanKind::try_from(span.kind).map_or("unknown kind", |it| it.as_str_name());
        let parent = if span.parent_span_id.is_empty() {
            "none".to_owned()
        } else {
            hex(&span.parent_span_id)
        };
        let status = span.status.as_ref().map_or_else(
            || "none".to_owned(),
            |status| {
                let code = StatusCode::try_from(status.code);
                let code = code.map_or("unknown code", |it| it.as_str_name());
                format!("{code} {:?}", status.message)
            },
        );
        assert!(span.start_time_unix_nano > 0, "{} has no start", span.name);
        assert!(
            span.start_time_unix_nano <= span.end_time_unix_nano,
            "{} ends before it starts",
            span.name
        );
        let head = format!(
            "{indent}{}\n{indent}  {kind} of {service}, id {}, parent {parent}, flags {:#x}, trace state {:?}\n\
             {indent}  scope {scope}\n{indent}  status {status}\n\
             {indent}  dropped: {} attributes, {} events, {} links\n",
            span.name,
            hex(&span.span_id),
            span.flags,
            span.trace_state,
            span.dropped_attributes_count,
            span.dropped_events_count,
            span.dropped_links_count,
        );
        let own = attributes(&span.attributes, &format!("{indent}  - "));
        let events = span.events.iter().map(|it| event(it, &indent));
        let links = span.links.iter().map(|it| link(it, &indent));
        head + &own + &events.chain(links).collect::<String>()
    }
}

fn event(event: &Event, indent: &str) -> String {
    assert!(event.time_unix_nano > 0, "{} has no time", event.name);
    format!(
        "{indent}  event {}, {} dropped\n{}",
        event.name,
        event.dropped_attributes_count,
        attributes(&event.attributes, &format!("{indent}    - "))
    )
}

fn link(link: &Link, indent: &str) -> String {
    format!(
        "{indent}  link to {} {}, flags {:#x}, trace state {:?}, {} dropped\n{}",
        hex(&link.trace_id),
        hex(&link.span_id),
        link.flags,
        link.trace_state,
        link.dropped_attributes_count,
        attributes(&link.attributes, &format!("{indent}    - "))
    )
}
