//! The spans that the caller waited for: shortening one of them, and no other, shortens the answer.

use super::timeline::{Interval, Timeline};

/// The parts of each span on the critical path, by its place in the trace; empty for those beside it.
///
/// It goes back from the end of the root: the child that ended last was waited for, and before it started, the one
/// that had ended last by then. Work that outlives its parent was not waited for.
pub(crate) fn critical_path(timeline: &Timeline<'_>) -> Vec<Vec<Interval>> {
    let mut path = vec![Vec::new(); timeline.intervals.len()];
    let Some(root) = timeline.forest.root() else {
        return path;
    };
    // Each entry: a span, and the part of it that was waited for.
    let mut stack = vec![(root, timeline.intervals[root])];
    while let Some((index, part)) = stack.pop() {
        let mut children = timeline.forest.children[index].clone();
        children.retain(|child| {
            let child = timeline.intervals[*child];
            timeline.intervals[index].contains(child) && child.0 < part.1 && child.nanos() > 0
        });
        children.sort_by_key(|child| timeline.intervals[*child].1);
        let mut until = part.1;
        for child in children.into_iter().rev() {
            let waited = timeline.intervals[child].within(Interval(part.0, until));
            // One that was still running then is not the one that was waited for.
            if timeline.intervals[child].1 > until || waited.nanos() == 0 {
                continue;
            }
            if waited.1 < until {
                path[index].push(Interval(waited.1, until));
            }
            stack.push((child, waited));
            until = waited.0;
        }
        if part.0 < until {
            path[index].push(Interval(part.0, until));
        }
    }
    path
}
