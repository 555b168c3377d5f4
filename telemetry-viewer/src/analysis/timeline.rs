//! The spans of a trace in one time, whatever the clocks of their services say.

use std::sync::Arc;

use super::forest::Forest;
use crate::model::{Span, SpanKind, Trace};

/// From the first moment to the second, which does not belong to it; nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval(pub(crate) i128, pub(crate) i128);

impl Interval {
    pub(crate) fn nanos(self) -> u64 {
        u64::try_from(self.1 - self.0).unwrap_or(0)
    }

    pub(crate) fn within(self, other: Self) -> Self {
        Self(self.0.max(other.0), self.1.min(other.1))
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 <= other.0 && other.1 <= self.1
    }
}

/// The spans of a trace in one time.
///
/// A server span whose clock disagrees with its caller's is moved into the middle of the client span, with all below
/// it, so that what remains of the client span is network.
pub(crate) struct Timeline<'a> {
    pub(crate) forest: Forest<'a>,
    /// When each span was, by its place in the trace.
    pub(crate) intervals: Vec<Interval>,
    /// How far each was moved, in nanoseconds.
    pub(crate) moved: Vec<i128>,
}

impl<'a> Timeline<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let forest = Forest::of(trace);
        let mut moved = vec![0; forest.spans.len()];
        let mut intervals = vec![Interval(0, 0); forest.spans.len()];
        for &index in &forest.order {
            let span = forest.span(index);
            if let (Some(parent), Some(above)) = (forest.parents[index], forest.parent(index)) {
                moved[index] = moved_below(above, intervals[parent], moved[parent], span);
            }
            intervals[index] = interval(span, moved[index]);
        }
        Self {
            forest,
            intervals,
            moved,
        }
    }

    /// From the start of the first span to the end of the last.
    pub(crate) fn whole(&self) -> Interval {
        let start = self.intervals.iter().map(|it| it.0).min();
        let end = self.intervals.iter().map(|it| it.1).max();
        Interval(start.unwrap_or(0), end.unwrap_or(0))
    }

    /// The parts of a span that no child covers, by time.
    pub(crate) fn own(&self, index: usize) -> Vec<Interval> {
        let whole = self.intervals[index];
        let children = self.forest.children[index].iter();
        let mut covered: Vec<Interval> = children
            .map(|child| self.intervals[*child].within(whole))
            .filter(|child| child.nanos() > 0)
            .collect();
        covered.sort_by_key(|interval| interval.0);
        let mut own = Vec::new();
        let mut at = whole.0;
        for child in covered {
            if child.0 > at {
                own.push(Interval(at, child.0));
            }
            at = at.max(child.1);
        }
        if at < whole.1 {
            own.push(Interval(at, whole.1));
        }
        own
    }
}

fn interval(span: &Span, moved: i128) -> Interval {
    let start = i128::from(span.start_unix_nanos) + moved;
    Interval(start, start + i128::from(span.duration_nanos()))
}

/// How far a child must be moved, in nanoseconds, so that it stands where it was in its parent's time.
fn moved_below(parent: &Span, within: Interval, moved: i128, child: &Span) -> i128 {
    if Arc::ptr_eq(&parent.resource, &child.resource) || parent.resource == child.resource {
        // The same process has the same clock.
        return moved;
    }
    let there = interval(child, 0);
    // Only a call waits for its answer; a job may be done at any time.
    let is_call = parent.kind == SpanKind::Client && child.kind == SpanKind::Server;
    if !is_call || within.contains(there) {
        return 0;
    }
    let spare = i128::from(within.nanos()) - i128::from(there.nanos());
    if spare >= 0 {
        within.0 + spare / 2 - there.0
    } else {
        // It outlives the call, as a streamed answer does; but it cannot have begun before it was called.
        (within.0 - there.0).max(0)
    }
}
