//! The spans of a trace by their parents. Nothing here calls itself: the depth of a trace is up to whoever sends it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Span, SpanId, Trace};

/// The spans of a trace with their parents and children, named by their place in the trace.
pub(crate) struct Forest<'a> {
    pub(crate) spans: &'a [Arc<Span>],
    pub(crate) parents: Vec<Option<usize>>,
    /// By start time.
    pub(crate) children: Vec<Vec<usize>>,
    /// Parents before children, siblings by start time.
    pub(crate) order: Vec<usize>,
    pub(crate) roots: Vec<(usize, Root)>,
}

/// Why a span is at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// It has no parent.
    Whole,
    /// Its parent has not been received.
    Orphan,
    /// Its parent descends from it.
    Cycle,
}

impl<'a> Forest<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let spans = trace.spans.as_slice();
        let places: HashMap<SpanId, usize> = spans
            .iter()
            .enumerate()
            .map(|(index, span)| (span.span_id, index))
            .collect();
        let mut forest = Self {
            spans,
            parents: vec![None; spans.len()],
            children: vec![Vec::new(); spans.len()],
            order: Vec::with_capacity(spans.len()),
            roots: Vec::new(),
        };
        for (index, span) in spans.iter().enumerate() {
            match span.parent_span_id.map(|parent| places.get(&parent)) {
                None => forest.roots.push((index, Root::Whole)),
                Some(None) => forest.roots.push((index, Root::Orphan)),
                Some(Some(&parent)) => {
                    forest.parents[index] = Some(parent);
                    forest.children[parent].push(index);
                }
            }
        }
        forest.put_in_order();
        forest
    }

    fn put_in_order(&mut self) {
        let mut visited = vec![false; self.spans.len()];
        let mut stack: Vec<usize> = self.roots.iter().rev().map(|(root, _)| *root).collect();
        let mut rest = 0..self.spans.len();
        loop {
            let Some(index) = stack.pop() else {
                // What no root leads to is part of a cycle, or hangs off one.
                match rest.find(|index| !visited[*index]) {
                    Some(index) => {
                        self.detach(index);
                        stack.push(index);
                        continue;
                    }
                    None => return,
                }
            };
            visited[index] = true;
            self.order.push(index);
            stack.extend(self.children[index].iter().rev());
        }
    }

    /// Makes a span of a cycle a root, which opens the cycle.
    fn detach(&mut self, index: usize) {
        if let Some(parent) = self.parents[index].take() {
            self.children[parent].retain(|child| *child != index);
        }
        self.roots.push((index, Root::Cycle));
    }

    /// The place of the span everything else descends from.
    pub(crate) fn root(&self) -> Option<usize> {
        self.roots.first().map(|(root, _)| {
            let whole = self.roots.iter().find(|(_, kind)| *kind == Root::Whole);
            whole.map_or(*root, |(whole, _)| *whole)
        })
    }

    /// The span in that place.
    pub(crate) fn span(&self, index: usize) -> &'a Span {
        &self.spans[index]
    }

    pub(crate) fn parent(&self, index: usize) -> Option<&'a Span> {
        self.parents[index].map(|parent| self.span(parent))
    }
}
