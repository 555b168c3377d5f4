//! Two traces side by side: what takes longer, and what is new.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::timeline::Timeline;
use crate::model::Trace;

/// Spans of both traces that stand in the same place: the same names from the root down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) depth: usize,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) a: Side,
    pub(crate) b: Side,
}

/// What the spans of one place took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) count: usize,
    pub(crate) errors: usize,
    /// Their durations added up.
    pub(crate) total_nanos: u64,
    /// What of it was spent in none of their children.
    pub(crate) own_nanos: u64,
}

impl Pair {
    /// How much longer the second trace spent here itself, in nanoseconds.
    pub(crate) fn own_change(&self) -> i128 {
        i128::from(self.b.own_nanos) - i128::from(self.a.own_nanos)
    }

    pub(crate) fn is_new(&self) -> bool {
        self.a.count == 0
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.b.count == 0
    }
}

/// The places of both traces, parents before children.
pub(crate) fn compare(a: &Trace, b: &Trace) -> Vec<Pair> {
    let mut places = Places::default();
    places.add(&Timeline::of(a), |pair| &mut pair.a);
    places.add(&Timeline::of(b), |pair| &mut pair.b);
    places.in_order()
}

/// The places where the second trace spent more time itself, the most first.
pub(crate) fn slower(pairs: &[Pair]) -> Vec<&Pair> {
    let mut slower: Vec<&Pair> = pairs.iter().filter(|pair| pair.own_change() > 0).collect();
    slower.sort_by_key(|pair| std::cmp::Reverse(pair.own_change()));
    slower
}

#[derive(Default)]
struct Places {
    pairs: Vec<Pair>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
    by_path: HashMap<u64, usize>,
}

impl Places {
    fn add(&mut self, timeline: &Timeline<'_>, side: fn(&mut Pair) -> &mut Side) {
        let forest = &timeline.forest;
        // The place of each span, and a number for the names from the root down to it.
        let mut paths: Vec<(usize, u64)> = vec![(0, 0); forest.spans.len()];
        for &index in &forest.order {
            let span = forest.span(index);
            let above = forest.parents[index].map(|parent| paths[parent]);
            let mut hasher = DefaultHasher::new();
            (above.map(|(_, path)| path), &span.service, &span.name).hash(&mut hasher);
            let path = hasher.finish();
            let place = self.by_path.get(&path).copied().unwrap_or_else(|| {
                let place = self.pairs.len();
                let depth = above.map_or(0, |(above, _)| self.pairs[above].depth + 1);
                self.pairs.push(Pair {
                    depth,
                    service: span.service.clone(),
                    name: span.name.clone(),
                    a: Side::default(),
                    b: Side::default(),
                });
                self.children.push(Vec::new());
                match above {
                    Some((above, _)) => self.children[above].push(place),
                    None => self.roots.push(place),
                }
                self.by_path.insert(path, place);
                place
            });
            paths[index] = (place, path);
            let own: u64 = timeline.own(index).iter().map(|it| it.nanos()).sum();
            let side = side(&mut self.pairs[place]);
            side.count += 1;
            side.errors += usize::from(span.is_error());
            side.total_nanos = side.total_nanos.saturating_add(span.duration_nanos());
            side.own_nanos = side.own_nanos.saturating_add(own);
        }
    }

    fn in_order(self) -> Vec<Pair> {
        let mut stack: Vec<usize> = self.roots.iter().rev().copied().collect();
        let mut order = Vec::with_capacity(self.pairs.len());
        while let Some(place) = stack.pop() {
            order.push(self.pairs[place].clone());
            stack.extend(self.children[place].iter().rev());
        }
        order
    }
}

#[cfg(test)]
mod tests;
