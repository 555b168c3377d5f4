//! What is odd about a trace, found without being asked.

use super::forest::Root;
use super::outline::{Row, outline, statement};
use super::timeline::Timeline;
use crate::model::{Span, SpanId, SpanKind, reason};
use crate::text::{count, duration, shortened};

/// A gap counts if it takes so much of the answer, and is long enough to matter.
const GAP_SHARE: f64 = 0.25;
const GAP_NANOS: u64 = 1_000_000;
/// At most so many findings of one kind.
const MAX_PER_KIND: usize = 3;

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: FindingKind,
    /// One sentence.
    pub(crate) text: String,
    /// The span that shows it.
    pub(crate) span: SpanId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FindingKind {
    Repeated,
    Swallowed,
    PoolWait,
    Gap,
    Orphans,
    Clock,
}

impl FindingKind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Repeated => "N+1",
            Self::Swallowed => "swallowed error",
            Self::PoolWait => "pool wait",
            Self::Gap => "gap",
            Self::Orphans => "orphans",
            Self::Clock => "clock",
        }
    }
}

/// The findings of a trace, the most useful first.
pub(crate) fn findings(timeline: &Timeline<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    repeated(timeline, &mut found);
    swallowed(timeline, &mut found);
    pool_wait(timeline, &mut found);
    gaps(timeline, &mut found);
    orphans(timeline, &mut found);
    clocks(timeline, &mut found);
    found
}

fn add(found: &mut Vec<Finding>, kind: FindingKind, span: &Span, text: String) {
    let same = found.iter().filter(|it| it.kind == kind).count();
    if same < MAX_PER_KIND {
        let span = span.span_id;
        found.push(Finding { kind, text, span });
    }
}

/// Names are cut, so that a sentence stays one.
fn short(name: &str) -> String {
    shortened(name, 80)
}

fn repeated(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    let mut rows: Vec<Row> = outline(forest, None, true);
    rows.retain(|row| row.is_n_plus_one(forest));
    rows.sort_by_key(|row| std::cmp::Reverse(row.total_nanos(timeline)));
    for row in rows {
        let span = forest.span(row.first);
        let text = format!(
            "The statement of {} runs {} times below one span, {} in all. One query can fetch the rows together.",
            short(&span.name),
            count(row.count()),
            duration(row.total_nanos(timeline)),
        );
        add(found, FindingKind::Repeated, span, text);
    }
}

fn swallowed(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    for &index in &forest.order {
        let span = forest.span(index);
        let Some(parent) = forest.parent(index) else {
            continue;
        };
        if span.is_error() && !parent.is_error() {
            let text = format!(
                "{} failed ({}), but {} above it ended well.",
                short(&span.name),
                shortened(&reason(span), 200),
                short(&parent.name)
            );
            add(found, FindingKind::Swallowed, span, text);
        }
    }
}

/// A wait for a connection that took longer than the statements that followed it below the same span.
fn pool_wait(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    for &index in &forest.order {
        let span = forest.span(index);
        let is_wait = span.name.ends_with("pool.acquire") || span.name.ends_with("pool acquire");
        if !is_wait {
            continue;
        }
        let siblings = forest.parents[index].map_or(&[][..], |parent| &forest.children[parent]);
        let queries: u64 = siblings
            .iter()
            .map(|sibling| forest.span(*sibling))
            .filter(|sibling| statement(sibling).is_some())
            .map(Span::duration_nanos)
            .sum();
        if queries > 0 && span.duration_nanos() > queries {
            let text = format!(
                "Waiting for a connection took {}, the statements {}: the pool is too small or a connection is held too long.",
                duration(span.duration_nanos()),
                duration(queries)
            );
            add(found, FindingKind::PoolWait, span, text);
        }
    }
}

fn gaps(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    let Some(root) = forest.root() else { return };
    let total = forest.span(root).duration_nanos();
    for &index in &forest.order {
        let span = forest.span(index);
        let own = timeline.own(index);
        // A span with nothing inside is what it says, and what is left of a call is the network.
        let whole = own.first() == Some(&timeline.intervals[index]);
        if whole || span.kind == SpanKind::Client {
            continue;
        }
        for gap in own {
            if gap.nanos() >= GAP_NANOS && gap.nanos() as f64 >= GAP_SHARE * total as f64 {
                let after = u64::try_from(gap.0 - timeline.intervals[index].0).unwrap_or(0);
                let text = format!(
                    "{} does something for {} that no span tells, {} after its start.",
                    short(&span.name),
                    duration(gap.nanos()),
                    duration(after)
                );
                add(found, FindingKind::Gap, span, text);
            }
        }
    }
}

fn orphans(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    let orphans: Vec<usize> = forest
        .roots
        .iter()
        .filter(|(_, kind)| *kind != Root::Whole)
        .map(|(index, _)| *index)
        .collect();
    // The one span whose parent lies outside, at a caller that sends no spans, is no orphan.
    let whole = forest.roots.iter().any(|(_, kind)| *kind == Root::Whole);
    if let (Some(&first), true) = (orphans.first(), whole || orphans.len() > 1) {
        let (spans, have) = match orphans.len() {
            1 => ("1 span has".to_owned(), "its parent"),
            many => (format!("{} spans have", count(many)), "their parents"),
        };
        let text = format!("{spans} not been joined: {have} did not arrive.");
        add(found, FindingKind::Orphans, forest.span(first), text);
    }
}

fn clocks(timeline: &Timeline<'_>, found: &mut Vec<Finding>) {
    let forest = &timeline.forest;
    let mut told: Vec<&str> = Vec::new();
    for &index in &forest.order {
        let span = forest.span(index);
        let moved = timeline.moved[index];
        if moved == 0 || told.contains(&span.service.as_str()) {
            continue;
        }
        told.push(&span.service);
        let by = duration(u64::try_from(moved.unsigned_abs()).unwrap_or(u64::MAX));
        let how = if moved > 0 { "behind" } else { "ahead of" };
        let text = format!(
            "The clock of {} is {by} {how} its caller's; its spans are shown where they must have been.",
            short(&span.service)
        );
        add(found, FindingKind::Clock, span, text);
    }
}

#[cfg(test)]
mod tests;
