//! Assertions on spans, narrowing step by step.

use opentelemetry::{
    Value,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceId},
};
use opentelemetry_sdk::trace::SpanData;

use crate::testing::{span_tree, test_telemetry::TestTelemetry};

impl TestTelemetry {
    /// Asserts that a span of this name has ended, and goes on from all that have.
    ///
    /// # Panics
    ///
    /// If there is none, as every further step does: with the tree of all spans, those that matched so far marked.
    #[track_caller]
    pub fn assert_span(&self, name: &str) -> SpanAssert {
        let spans = self.spans();
        let left = (0..spans.len()).filter(|at| spans[*at].name == name);
        let assert = SpanAssert {
            telemetry: self.clone(),
            left: left.collect(),
            spans,
            said: format!("span {name:?}"),
        };
        assert!(
            !assert.left.is_empty(),
            "no {}\n{}",
            assert.said,
            self.what_there_is(&[])
        );
        assert
    }

    /// Asserts that no span of this name has started, whether it has ended or not.
    #[track_caller]
    pub fn assert_no_span(&self, name: &str) {
        let spans = self.spans();
        let named: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        let open = self.open_spans().iter().any(|open| open == name);
        assert!(
            named.is_empty() && !open,
            "there is a span {name:?}\n{}",
            self.what_there_is(&ids(named))
        );
    }

    /// Asserts on the whole tree, as [`tree`](Self::tree) writes it: one line a span, two spaces a level. Lines may be
    /// indented further as a whole, so that they stand well in the source of a test.
    #[track_caller]
    pub fn assert_tree(&self, attributes: &[&str], expected: &str) {
        let lines: Vec<_> = expected
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let margin = lines.iter().map(indent).min().unwrap_or(0);
        let expected: String = lines
            .iter()
            .flat_map(|line| [&line[margin..], "\n"])
            .collect();
        let tree = self.tree(attributes);
        assert!(
            tree == expected,
            "the tree of spans is\n{tree}and not\n{expected}"
        );
    }
}

/// The spans that match what was said of them so far: at least one, for each step asserts that there is.
#[derive(Debug)]
pub struct SpanAssert {
    telemetry: TestTelemetry,
    spans: Vec<SpanData>,
    left: Vec<usize>,
    said: String,
}

impl SpanAssert {
    /// Below a span of this name, directly. The parent need not have ended.
    #[track_caller]
    pub fn child_of(self, name: &str) -> Self {
        let parents: Vec<_> = self
            .ids_named(name)
            .into_iter()
            .chain(self.telemetry.open.named(name))
            .collect();
        self.narrow(&format!("child of {name:?}"), |span| {
            parents.contains(&parent(span))
        })
    }

    /// Below a span of this name, at any depth.
    #[track_caller]
    pub fn descendant_of(self, name: &str) -> Self {
        let mut below = self.ids_named(name);
        below.extend(self.telemetry.open.named(name));
        loop {
            let more: Vec<_> = self
                .spans
                .iter()
                .filter(|span| below.contains(&parent(span)) && !below.contains(&id(span)))
                .map(id)
                .collect();
            if more.is_empty() {
                break;
            }
            below.extend(more);
        }
        self.narrow(&format!("below {name:?}"), |span| {
            below.contains(&parent(span))
        })
    }

    /// Without a parent in this telemetry: the root of a trace, or the first span of a service in it.
    #[track_caller]
    pub fn root(self) -> Self {
        self.narrow("without a local parent", |span| {
            span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote
        })
    }

    /// In this trace.
    #[track_caller]
    pub fn in_trace(self, trace_id: TraceId) -> Self {
        self.narrow(&format!("in trace {trace_id}"), |span| {
            span.span_context.trace_id() == trace_id
        })
    }

    /// Of this kind.
    #[track_caller]
    pub fn kind(self, kind: SpanKind) -> Self {
        self.narrow(&format!("of kind {}", span_tree::kind(&kind)), |span| {
            span.span_kind == kind
        })
    }

    /// With this attribute. A number is another value than its digits as a string.
    #[track_caller]
    pub fn with(self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.narrow(
            &format!("with {}", span_tree::attribute(key, &value)),
            |span| {
                let mut all = span.attributes.iter();
                all.any(|one| one.key.as_str() == key && one.value == value)
            },
        )
    }

    /// With an attribute of this key, whatever its value.
    #[track_caller]
    pub fn with_key(self, key: &str) -> Self {
        self.narrow(&format!("with an attribute {key}"), |span| has(span, key))
    }

    /// Asserts that none of the spans has an attribute of this key.
    #[track_caller]
    pub fn without(self, key: &str) -> Self {
        let all = self.left.len();
        let narrowed = self.narrow(&format!("without an attribute {key}"), |span| {
            !has(span, key)
        });
        let left = narrowed.left.len();
        narrowed.check(left == all, || {
            format!("{} of {all} spans have an attribute {key}", all - left)
        })
    }

    /// That ended in this outcome: the attribute `<namespace>.outcome` of a [`step`](telemetry_api::step()), such as `ok`,
    /// `rejected`, `error`, `cancelled` or `panicked`.
    #[track_caller]
    pub fn outcome(self, outcome: &str) -> Self {
        let prefix = match self.telemetry.providers().namespace() {
            "" => "step".to_owned(),
            namespace => namespace.to_owned(),
        };
        self.with(&format!("{prefix}.outcome"), outcome.to_owned())
    }

    /// Asserts that the status is an error.
    #[track_caller]
    pub fn error(self) -> Self {
        self.narrow("with an error", |span| {
            matches!(span.status, Status::Error { .. })
        })
    }

    /// Asserts that the status is an error with this description.
    #[track_caller]
    pub fn error_containing(self, text: &str) -> Self {
        self.narrow(
            &format!("with an error that says {text:?}"),
            |span| matches!(&span.status, Status::Error { description } if description.contains(text)),
        )
    }

    /// Asserts that none of the spans has an error as its status.
    #[track_caller]
    pub fn no_error(self) -> Self {
        let failed = |at: &usize| matches!(self.spans[*at].status, Status::Error { .. });
        let failed = self.left.iter().filter(|at| failed(at)).count();
        let all = self.left.len();
        self.check(failed == 0, || format!("{failed} of {all} have an error"))
    }

    /// With an event of this name, such as `exception`.
    #[track_caller]
    pub fn event(self, name: &str) -> Self {
        self.narrow(&format!("with an event {name:?}"), |span| {
            span.events.iter().any(|event| event.name == name)
        })
    }

    /// With a link to this span.
    #[track_caller]
    pub fn linked_to(self, to: &SpanContext) -> Self {
        self.narrow(&format!("linked to {}", to.span_id()), |span| {
            span.links.iter().any(|link| {
                link.span_context.trace_id() == to.trace_id()
                    && link.span_context.span_id() == to.span_id()
            })
        })
    }

    /// For which this holds; `what` completes "no span …" in the failure message.
    #[track_caller]
    pub fn that(self, what: &str, holds: impl Fn(&SpanData) -> bool) -> Self {
        self.narrow(what, |span| holds(span))
    }

    /// Asserts that there are exactly so many.
    #[track_caller]
    pub fn count(self, count: usize) -> Self {
        let left = self.left.len();
        self.check(left == count, || format!("{left} and not {count}"))
    }

    /// The spans, in the order they ended.
    pub fn all(&self) -> Vec<SpanData> {
        self.left.iter().map(|at| self.spans[*at].clone()).collect()
    }

    /// The span, asserting that it is the only one.
    #[track_caller]
    pub fn one(self) -> SpanData {
        let only = self.count(1);
        only.spans[only.left[0]].clone()
    }

    #[track_caller]
    fn narrow(mut self, what: &str, matches: impl Fn(&SpanData) -> bool) -> Self {
        let holds = |at: &usize| matches(&self.spans[*at]);
        let left: Vec<_> = self.left.iter().copied().filter(holds).collect();
        assert!(
            !left.is_empty(),
            "no {} {what}\n{}",
            self.said,
            self.what_there_is()
        );
        self.left = left;
        self.said = format!("{} {what}", self.said);
        self
    }

    #[track_caller]
    fn check(self, holds: bool, what: impl Fn() -> String) -> Self {
        assert!(holds, "{}: {}\n{}", self.said, what(), self.what_there_is());
        self
    }

    fn what_there_is(&self) -> String {
        let marked = self.left.iter().map(|at| &self.spans[*at]);
        self.telemetry.what_there_is(&ids(marked))
    }

    fn ids_named(&self, name: &str) -> Vec<(TraceId, SpanId)> {
        let named = self.spans.iter().filter(|span| span.name == name);
        named.map(id).collect()
    }
}

fn ids<'a>(spans: impl IntoIterator<Item = &'a SpanData>) -> Vec<SpanId> {
    let spans = spans.into_iter();
    spans.map(|span| span.span_context.span_id()).collect()
}

fn id(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.span_context.span_id())
}

fn parent(span: &SpanData) -> (TraceId, SpanId) {
    (span.span_context.trace_id(), span.parent_span_id)
}

fn has(span: &SpanData, key: &str) -> bool {
    span.attributes.iter().any(|one| one.key.as_str() == key)
}
