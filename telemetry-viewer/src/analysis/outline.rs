//! A trace as the rows of a picture: a tree of spans in which equal siblings are one row.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::forest::{Forest, Root};
use super::timeline::{Interval, Timeline};
use crate::model::{Span, SpanId};

/// So many equal siblings become one row.
pub(crate) const FOLDED_FROM: usize = 5;

/// One row of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) depth: usize,
    /// The place of the span in its trace; of the first one if the row stands for several.
    pub(crate) first: usize,
    /// All spans of the row; empty if it is one.
    pub(crate) folded: Vec<usize>,
    /// Why it is at the top, if it is.
    pub(crate) root: Option<Root>,
    /// How many rows below belong to it.
    pub(crate) below: usize,
}

impl Row {
    /// How many spans it stands for.
    pub(crate) fn count(&self) -> usize {
        self.folded.len().max(1)
    }

    /// Their time added up.
    pub(crate) fn total_nanos(&self, timeline: &Timeline<'_>) -> u64 {
        let nanos = |index: &usize| timeline.forest.span(*index).duration_nanos();
        match self.folded.as_slice() {
            [] => nanos(&self.first),
            folded => folded.iter().map(nanos).fold(0, u64::saturating_add),
        }
    }

    /// From the start of the first to the end of the last.
    pub(crate) fn interval(&self, timeline: &Timeline<'_>) -> Interval {
        let first = timeline.intervals[self.first];
        let all = self.folded.iter().map(|index| timeline.intervals[*index]);
        all.fold(first, |a, b| Interval(a.0.min(b.0), a.1.max(b.1)))
    }

    /// Whether it stands for the same database statement, again and again.
    pub(crate) fn is_n_plus_one(&self, forest: &Forest<'_>) -> bool {
        !self.folded.is_empty() && statement(forest.span(self.first)).is_some()
    }
}

/// The rows of a trace, parents before children. Spans of `unfolded` stay apart from their equals.
pub(crate) fn outline(forest: &Forest<'_>, unfolded: Option<SpanId>, fold: bool) -> Vec<Row> {
    let shapes = if fold { shapes(forest) } else { Vec::new() };
    let mut rows: Vec<Row> = Vec::new();
    let roots = forest
        .roots
        .iter()
        .map(|(index, kind)| (0, vec![*index], Some(*kind)));
    let mut stack: Vec<(usize, Vec<usize>, Option<Root>)> = roots.collect();
    stack.reverse();
    while let Some((depth, spans, root)) = stack.pop() {
        let Some(&first) = spans.first() else {
            continue;
        };
        let alone = spans.len() == 1;
        rows.push(Row {
            depth,
            first,
            folded: if alone { Vec::new() } else { spans },
            root,
            below: 0,
        });
        if alone {
            let groups = groups(forest, &shapes, first, unfolded);
            let below = groups.into_iter().rev();
            stack.extend(below.map(|spans| (depth + 1, spans, None)));
        }
    }
    count_below(&mut rows);
    rows
}

/// The children of a span, with those that are equal together.
fn groups(
    forest: &Forest<'_>,
    shapes: &[u64],
    parent: usize,
    unfolded: Option<SpanId>,
) -> Vec<Vec<usize>> {
    let children = &forest.children[parent];
    if shapes.is_empty() || children.len() < FOLDED_FROM {
        return children.iter().map(|child| vec![*child]).collect();
    }
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for child in children {
        *counts.entry(shapes[*child]).or_default() += 1;
    }
    // The row of a span that is asked for by its id must be there.
    let asked = |index: &usize| Some(forest.span(*index).span_id) == unfolded;
    let apart: Option<u64> = children
        .iter()
        .find(|child| asked(child))
        .map(|child| shapes[*child]);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for child in children {
        let shape = shapes[*child];
        if counts[&shape] < FOLDED_FROM || apart == Some(shape) {
            groups.push(vec![*child]);
            continue;
        }
        let place = *places.entry(shape).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(*child),
            None => groups.push(vec![*child]),
        }
    }
    groups
}

/// A number for each span that is the same for spans that look and branch alike.
fn shapes(forest: &Forest<'_>) -> Vec<u64> {
    let mut shapes = vec![0; forest.spans.len()];
    for &index in forest.order.iter().rev() {
        let span = forest.span(index);
        let mut hasher = DefaultHasher::new();
        (&span.service, &span.name, span.kind, span.is_error()).hash(&mut hasher);
        statement(span).hash(&mut hasher);
        for child in &forest.children[index] {
            shapes[*child].hash(&mut hasher);
        }
        shapes[index] = hasher.finish();
    }
    shapes
}

/// The text of a database statement.
pub(crate) fn statement(span: &Span) -> Option<&str> {
    span.attribute("db.query.text")
        .or_else(|| span.attribute("db.statement"))
        .and_then(|text| text.as_str())
}

fn count_below(rows: &mut [Row]) {
    let mut open: Vec<usize> = Vec::new();
    for index in 0..=rows.len() {
        let depth = rows.get(index).map_or(0, |row| row.depth);
        while let Some(&above) = open.last() {
            if index < rows.len() && rows[above].depth < depth {
                break;
            }
            rows[above].below = index - above - 1;
            open.pop();
        }
        open.push(index);
    }
}
