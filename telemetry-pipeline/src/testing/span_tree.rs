//! Spans as an indented tree.

use std::collections::HashMap;

use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, SpanKind, Status, TraceId},
};
use opentelemetry_sdk::trace::SpanData;

/// The attributes that a line shows.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// These, in this order.
    Only(&'a [&'a str]),
    /// All, in the order they were set.
    All,
}

type Children<'a> = HashMap<(TraceId, SpanId), Vec<&'a SpanData>>;

const ROOTS: (TraceId, SpanId) = (TraceId::INVALID, SpanId::INVALID);

/// One line a span. If spans are marked, theirs begin with `>`.
pub(crate) fn render(spans: &[SpanData], shown: Shown<'_>, marked: &[SpanId]) -> String {
    let mut children = Children::new();
    for span in spans {
        let trace = span.span_context.trace_id();
        let known = spans.iter().any(|other| {
            other.span_context.span_id() == span.parent_span_id
                && other.span_context.trace_id() == trace
        });
        let parent = if known {
            (trace, span.parent_span_id)
        } else {
            ROOTS
        };
        children.entry(parent).or_default().push(span);
    }
    let mut tree = Tree {
        text: String::new(),
        children,
        shown,
        marked,
    };
    tree.write_below(ROOTS, 0);
    tree.text
}

struct Tree<'a> {
    text: String,
    children: Children<'a>,
    shown: Shown<'a>,
    marked: &'a [SpanId],
}

impl Tree<'_> {
    fn write_below(&mut self, parent: (TraceId, SpanId), depth: usize) {
        let Some(mut spans) = self.children.remove(&parent) else {
            return;
        };
        spans.sort_by_key(|span| span.start_time);
        for span in spans {
            let own = (span.span_context.trace_id(), span.span_context.span_id());
            if !self.marked.is_empty() {
                let mark = if self.marked.contains(&own.1) {
                    "> "
                } else {
                    "  "
                };
                self.text.push_str(mark);
            }
            self.text.push_str(&"  ".repeat(depth));
            self.text.push_str(&describe(span, self.shown));
            self.text.push('\n');
            self.write_below(own, depth + 1);
        }
    }
}

pub(crate) fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    }
}

/// `key=value`. Strings are quoted, so that a number as a string does not pass for a number.
pub(crate) fn attribute(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("{key}={:?}", text.as_str()),
        other => format!("{key}={other}"),
    }
}

fn describe(span: &SpanData, shown: Shown<'_>) -> String {
    let mut line = format!("{} {}", kind(&span.span_kind), span.name);
    let mut write = |one: &KeyValue| {
        line.push(' ');
        line.push_str(&attribute(one.key.as_str(), &one.value));
    };
    match shown {
        Shown::All => span.attributes.iter().for_each(write),
        Shown::Only(keys) => {
            for key in keys {
                let found = span.attributes.iter();
                found
                    .filter(|one| one.key.as_str() == *key)
                    .for_each(&mut write);
            }
        }
    }
    if let Status::Error { description } = &span.status {
        line.push_str(" ERROR");
        if !description.is_empty() {
            line.push_str(&format!(" ({description})"));
        }
    }
    line
}
