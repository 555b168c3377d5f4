//! A trace as an indented tree of text.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use crate::model::{Span, SpanId, SpanStatus, Trace};
use crate::text::{Line, duration, escape, quoted, shortened};

#[cfg(test)]
mod tests;

/// Indentation stops growing here: a chain of n spans would otherwise cost n² characters.
const MAX_INDENT: usize = 48;
/// Names and values are cut here, so that one of them cannot fill the screen.
const MAX_CHARS: usize = 1000;

/// The parts of each span that [`Trace::render`] shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeStyle {
    /// Shows durations. Default true; without them the same trace always renders the same.
    pub durations: bool,
    /// Shows beside the duration the part of it that was spent in none of the children. Default false.
    pub self_times: bool,
    /// The attributes to show. Default: those that tell what a request or statement was about.
    pub attributes: ShownAttributes,
    /// The word that marks a span whose status is an error. Default `ERROR`.
    pub error_mark: String,
    /// Uses ANSI colours. Default false.
    pub colours: bool,
    /// Where to continue a span on a further line, in characters. Default: nowhere, one line each.
    pub width: Option<usize>,
}

/// A choice among the attributes of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownAttributes {
    /// All, in the order recorded.
    All,
    /// None.
    None,
    /// Those with these keys, in the order of this list.
    Only(Vec<String>),
}

impl TreeStyle {
    /// Names, services, kinds and errors only: the same for every run of the same program.
    pub fn plain() -> Self {
        Self {
            durations: false,
            attributes: ShownAttributes::None,
            ..Self::default()
        }
    }

    /// Shows durations or not.
    #[must_use]
    pub fn with_durations(mut self, durations: bool) -> Self {
        self.durations = durations;
        self
    }

    /// Shows self times or not.
    #[must_use]
    pub fn with_self_times(mut self, self_times: bool) -> Self {
        self.self_times = self_times;
        self
    }

    /// Shows all attributes.
    #[must_use]
    pub fn with_all_attributes(mut self) -> Self {
        self.attributes = ShownAttributes::All;
        self
    }

    /// Shows the attributes with these keys, in this order.
    #[must_use]
    pub fn with_attributes(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.attributes = ShownAttributes::Only(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Marks errors with this word.
    #[must_use]
    pub fn with_error_mark(mut self, mark: impl Into<String>) -> Self {
        self.error_mark = mark.into();
        self
    }

    /// Uses ANSI colours or not.
    #[must_use]
    pub fn with_colours(mut self, colours: bool) -> Self {
        self.colours = colours;
        self
    }

    /// Continues a span on a further line where a terminal of that width ends.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = Some(width);
        self
    }
}

impl Default for TreeStyle {
    fn default() -> Self {
        let style = Self {
            durations: true,
            self_times: false,
            attributes: ShownAttributes::None,
            error_mark: "ERROR".to_owned(),
            colours: false,
            width: None,
        };
        style.with_attributes([
            "http.response.status_code",
            "url.full",
            "db.system.name",
            "db.query.text",
            "correlation_id",
        ])
    }
}

impl Trace {
    /// The trace as an indented tree, one span a line unless the style has a width: name, service,
    /// kind, duration, attributes, and for a failed span the error mark with its `error.type` and
    /// status message.
    ///
    /// Children are ordered by start time, then span id. A span whose parent has not been received
    /// is a root of its own and says so; so is one span of every cycle. Control characters are
    /// escaped.
    pub fn render(&self, style: &TreeStyle) -> String {
        let mut out = String::new();
        let spent = style.self_times.then(|| self.time_spent().by_span);
        for (place, span) in Walk::new(self) {
            let mut line = Line::new(style.width, place.first(), place.rest());
            let own = spent.as_ref().and_then(|spent| spent.get(&span.span_id));
            write_span(&mut line, span, own.copied(), style);
            match (&place.root, span.parent_span_id) {
                (Root::Orphan, Some(parent)) => {
                    line.word("", &format!("(parent {parent} not received)"));
                }
                (Root::Cycle, Some(parent)) => {
                    line.word("", &format!("(parent {parent} leads into a cycle)"));
                }
                _ => {}
            }
            out.push_str(&line.finish());
        }
        out
    }
}

/// Where a span stands in the tree.
struct Place {
    /// For each ancestor level and the span's own, whether it is the last among its siblings.
    last: Vec<bool>,
    depth: usize,
    /// True if spans below it follow, so that a line leads on to them.
    parent: bool,
    root: Root,
}

/// Why a span is a root, or that it is none.
#[derive(Clone, Copy)]
enum Root {
    No,
    Yes,
    Orphan,
    Cycle,
}

/// Visits every span once, parents before children. It keeps its own stack, because the depth of a
/// trace is up to whoever sends it.
struct Walk<'a> {
    children: HashMap<SpanId, Vec<&'a Span>>,
    stack: Vec<(Place, &'a Span)>,
    visited: HashSet<SpanId>,
    rest: std::slice::Iter<'a, Arc<Span>>,
}

impl<'a> Walk<'a> {
    fn new(trace: &'a Trace) -> Self {
        let received: HashSet<SpanId> = trace.spans.iter().map(|span| span.span_id).collect();
        let mut children: HashMap<SpanId, Vec<&'a Span>> = HashMap::new();
        let mut roots = Vec::new();
        // Spans of a trace come ordered by start time and id, so every list here is, too.
        for span in &trace.spans {
            match span.parent_span_id {
                None => roots.push((Root::Yes, span)),
                Some(parent) if !received.contains(&parent) => roots.push((Root::Orphan, span)),
                Some(parent) => children.entry(parent).or_default().push(span),
            }
        }
        let stack = roots.into_iter().rev().map(|(root, span)| {
            let span: &'a Span = span;
            (Place::root(root), span)
        });
        Self {
            children,
            stack: stack.collect(),
            visited: HashSet::new(),
            rest: trace.spans.iter(),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (Place, &'a Span);

    fn next(&mut self) -> Option<Self::Item> {
        let (mut place, span) = loop {
            let candidate = match self.stack.pop() {
                Some(candidate) => candidate,
                // Spans that no root leads to are part of a cycle, or hang off one.
                None => (Place::root(Root::Cycle), self.rest.next()?.as_ref()),
            };
            if self.visited.insert(candidate.1.span_id) {
                break candidate;
            }
        };
        let children = self.children.remove(&span.span_id).unwrap_or_default();
        for (index, child) in children.into_iter().rev().enumerate() {
            if !self.visited.contains(&child.span_id) {
                self.stack.push((place.child(index == 0), child));
                place.parent = true;
            }
        }
        Some((place, span))
    }
}

impl Place {
    fn root(root: Root) -> Self {
        Self {
            last: Vec::new(),
            depth: 0,
            parent: false,
            root,
        }
    }

    fn child(&self, last: bool) -> Self {
        let mut path = self.last.clone();
        if path.len() < MAX_INDENT {
            path.push(last);
        }
        Self {
            last: path,
            depth: self.depth + 1,
            parent: false,
            root: Root::No,
        }
    }

    /// The lines of the tree before the span.
    fn first(&self) -> String {
        let mut out = String::new();
        if let Some((own, ancestors)) = self.last.split_last() {
            out.extend(ancestors.iter().map(|last| rail(*last)));
            out.push_str(if *own { "└─ " } else { "├─ " });
        }
        if self.depth > self.last.len() {
            let _ = write!(out, "(depth {}) ", self.depth);
        }
        out
    }

    /// The lines of the tree before the further lines of the span.
    fn rest(&self) -> String {
        let mut out: String = self.last.iter().map(|last| rail(*last)).collect();
        out.push_str(if self.parent { "│    " } else { "     " });
        out
    }
}

fn rail(last: bool) -> &'static str {
    if last { "   " } else { "│  " }
}

fn write_span(line: &mut Line, span: &Span, own: Option<u64>, style: &TreeStyle) {
    let mut word = |colour: &str, text: &str| {
        line.word(if style.colours { colour } else { "" }, text);
    };
    match escape(&shortened(&span.name, MAX_CHARS)) {
        name if name.is_empty() => word("1", "(no name)"),
        name => word("1", &name),
    }
    word(
        "36",
        &format!("[{}]", escape(&shortened(&span.service, MAX_CHARS))),
    );
    word("", span.kind.as_str());
    if style.durations {
        word("33", &duration(span.duration_nanos()));
    }
    if let Some(own) = own {
        word("2", &format!("(self {})", duration(own)));
    }
    let mut attribute = |key: &str, value: String| {
        let value = quoted(&shortened(&value, MAX_CHARS));
        word("2", &format!("{}={value}", escape(key)));
    };
    match &style.attributes {
        ShownAttributes::None => {}
        ShownAttributes::All => {
            for (key, value) in &span.attributes {
                attribute(&shortened(key, MAX_CHARS), value.to_string());
            }
        }
        ShownAttributes::Only(keys) => {
            for key in keys {
                if let Some(value) = span.attribute(key) {
                    attribute(key, value.to_string());
                }
            }
        }
    }
    if let SpanStatus::Error { message } = &span.status {
        let kind = span.attribute("error.type").map(|it| it.to_string());
        let text = [style.error_mark.clone()]
            .into_iter()
            .chain(kind.map(|kind| quoted(&shortened(&kind, MAX_CHARS))))
            .chain((!message.is_empty()).then(|| quoted(&shortened(message, MAX_CHARS))))
            .collect::<Vec<_>>()
            .join(" ");
        word("1;31", &text);
    }
}
