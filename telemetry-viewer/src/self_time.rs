//! Where the time of a trace went: what each span spent itself, and not in the spans below it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use crate::model::{Span, SpanId, SpanKind, Trace};
use crate::text::{duration, escape, shortened};

#[cfg(test)]
mod tests;

/// Names are cut here, so that one of them cannot fill the screen.
const MAX_CHARS: usize = 120;

/// What somebody does while a span is in none of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// Code of a service: server, consumer and internal spans.
    Application,
    /// Database calls and waiting for a connection.
    Database,
    /// A call and not the service that answers it: what is left of a client span without its server span.
    Network,
    /// Giving messages to a messaging system.
    Messaging,
    /// A call to a service that sent no spans: network or work, nobody knows.
    Elsewhere,
}

/// Where the time of a trace went.
///
/// The self time of a span is what none of its children covers: children that overlap count once, and of one that
/// outlives its parent only the part inside. A server span whose clock disagrees with its caller's is moved into
/// the middle of the client span, with all below it, so that what remains of the client span is network.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSpent {
    /// From the start of the root span to its end, in nanoseconds.
    pub total_nanos: u64,
    /// Nanoseconds of the total by activity. Where several spans were busy at once, each has its part of that time, so
    /// that the sum is the total, or less if spans of the trace have not been received.
    pub by_activity: BTreeMap<Activity, u64>,
    /// Self time of all spans by instrumentation scope, the longest first: nanoseconds, and how many spans.
    pub by_scope: Vec<(String, u64, usize)>,
    /// What spans spent themselves outside of the root span, such as jobs that follow, in nanoseconds.
    pub outside_nanos: u64,
    /// Self time of each span in nanoseconds.
    pub by_span: HashMap<SpanId, u64>,
}

impl Trace {
    /// Where the time of this trace went.
    pub fn time_spent(&self) -> TimeSpent {
        let placed = place(self);
        let mut by_scope: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
        let mut by_span = HashMap::new();
        let mut outside_nanos: u64 = 0;
        let mut steps: Vec<(i128, Activity, i32)> = Vec::new();
        let root = self.root().and_then(|root| placed.get(&root.span_id));
        let whole = root.map_or(Interval(0, 0), |root| root.interval);
        for placed in placed.values() {
            let own: Vec<Interval> = placed.own();
            let spent = own.iter().map(|interval| interval.nanos()).sum();
            by_span.insert(placed.span.span_id, spent);
            let scope = by_scope.entry(&placed.span.scope).or_default();
            *scope = (scope.0.saturating_add(spent), scope.1 + 1);
            for interval in own {
                let inside = interval.within(whole);
                outside_nanos = outside_nanos.saturating_add(interval.nanos() - inside.nanos());
                if inside.nanos() > 0 {
                    steps.push((inside.0, placed.activity(), 1));
                    steps.push((inside.1, placed.activity(), -1));
                }
            }
        }
        let mut by_scope: Vec<_> = by_scope
            .into_iter()
            .map(|(scope, (nanos, spans))| (scope.to_owned(), nanos, spans))
            .collect();
        by_scope.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        TimeSpent {
            total_nanos: whole.nanos(),
            by_activity: divide(steps),
            by_scope,
            outside_nanos,
            by_span,
        }
    }
}

impl TimeSpent {
    /// One line, the largest part first: `database 58%, application 30%, network 12% of 12.3ms`.
    pub fn summary(&self) -> String {
        let mut parts: Vec<_> = self.by_activity.iter().collect();
        parts.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let percent = |nanos: u64| match 100.0 * nanos as f64 / self.total_nanos.max(1) as f64 {
            less if less < 1.0 => "<1%".to_owned(),
            percent => format!("{percent:.0}%"),
        };
        let parts: Vec<_> = parts
            .into_iter()
            .map(|(activity, nanos)| format!("{} {}", activity.as_str(), percent(*nanos)))
            .collect();
        let mut line = format!("{} of {}", parts.join(", "), duration(self.total_nanos));
        if self.outside_nanos > 0 {
            let _ = write!(line, ", and {} after it", duration(self.outside_nanos));
        }
        line
    }

    /// The summary, and a table of scopes below it. The scope says who made a span: each instrumentation library has
    /// its own, and so have the steps and spans of the application.
    pub fn render(&self) -> String {
        let mut out = format!("where the time went: {}\n", self.summary());
        let _ = writeln!(
            out,
            "{:>10} {:>6}  instrumentation scope",
            "self time", "spans"
        );
        for (scope, nanos, spans) in &self.by_scope {
            let scope = match escape(&shortened(scope, MAX_CHARS)) {
                scope if scope.is_empty() => "(none)".to_owned(),
                scope => scope,
            };
            let _ = writeln!(out, "{:>10} {spans:>6}  {scope}", duration(*nanos));
        }
        out
    }
}

impl Activity {
    /// Its name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Database => "database",
            Self::Network => "network",
            Self::Messaging => "messaging",
            Self::Elsewhere => "services without spans",
        }
    }
}

/// From the first moment to the second, which does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval(i128, i128);

impl Interval {
    fn nanos(self) -> u64 {
        u64::try_from(self.1 - self.0).unwrap_or(0)
    }

    fn within(self, other: Self) -> Self {
        Self(self.0.max(other.0), self.1.min(other.1))
    }

    fn contains(self, other: Self) -> bool {
        self.0 <= other.0 && other.1 <= self.1
    }
}

/// A span in the time of its trace.
struct Placed<'a> {
    span: &'a Span,
    interval: Interval,
    /// What its children cover, in any order.
    covered: Vec<Interval>,
    /// Whether the service that was called sent its span.
    answered: bool,
}

impl Placed<'_> {
    /// The parts that no child covers.
    fn own(&self) -> Vec<Interval> {
        let mut covered = self.covered.clone();
        covered.sort_by_key(|interval| interval.0);
        let mut own = Vec::new();
        let mut at = self.interval.0;
        for child in covered {
            let child = child.within(self.interval);
            if child.nanos() == 0 {
                continue;
            }
            if child.0 > at {
                own.push(Interval(at, child.0));
            }
            at = at.max(child.1);
        }
        if at < self.interval.1 {
            own.push(Interval(at, self.interval.1));
        }
        own
    }

    fn activity(&self) -> Activity {
        let is_database = |(key, _): &(String, _)| key.starts_with("db.");
        if self.span.attributes.iter().any(is_database) {
            return Activity::Database;
        }
        match self.span.kind {
            SpanKind::Client if self.has("messaging.system") => Activity::Messaging,
            SpanKind::Client if self.answered => Activity::Network,
            SpanKind::Client => Activity::Elsewhere,
            SpanKind::Producer => Activity::Messaging,
            _ => Activity::Application,
        }
    }

    fn has(&self, key: &str) -> bool {
        self.span.attribute(key).is_some()
    }
}

/// Brings all spans into one time. It keeps its own stack, because the depth of a trace is up to whoever sends it.
fn place(trace: &Trace) -> HashMap<SpanId, Placed<'_>> {
    let known: HashMap<SpanId, &Span> = trace
        .spans
        .iter()
        .map(|span| (span.span_id, span.as_ref()))
        .collect();
    let mut children: HashMap<SpanId, Vec<&Span>> = HashMap::new();
    let mut stack: Vec<(&Span, i128)> = Vec::new();
    for span in &trace.spans {
        match span
            .parent_span_id
            .filter(|parent| known.contains_key(parent))
        {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => stack.push((span, 0)),
        }
    }
    let mut placed: HashMap<SpanId, Placed<'_>> = HashMap::new();
    let mut rest = trace.spans.iter();
    loop {
        let (span, moved) = match stack.pop() {
            Some(next) => next,
            // What no root leads to is part of a cycle, or hangs off one.
            None => match rest.next() {
                Some(span) => (span.as_ref(), 0),
                None => return placed,
            },
        };
        if placed.contains_key(&span.span_id) {
            continue;
        }
        let interval = interval(span, moved);
        let mut covered = Vec::new();
        let mut answered = false;
        for child in children.remove(&span.span_id).unwrap_or_default() {
            let moved = moved_below(span, interval, moved, child);
            covered.push(self::interval(child, moved));
            answered |= child.kind == SpanKind::Server;
            stack.push((child, moved));
        }
        let place = Placed {
            span,
            interval,
            covered,
            answered,
        };
        placed.insert(span.span_id, place);
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

/// Divides each moment among those who are busy in it.
fn divide(mut steps: Vec<(i128, Activity, i32)>) -> BTreeMap<Activity, u64> {
    steps.sort_by_key(|(at, _, _)| *at);
    let mut busy: BTreeMap<Activity, i32> = BTreeMap::new();
    let mut parts: BTreeMap<Activity, f64> = BTreeMap::new();
    let mut before = 0;
    for (at, activity, change) in steps {
        let all: i32 = busy.values().sum();
        if all > 0 {
            let each = (at - before) as f64 / f64::from(all);
            for (activity, count) in &busy {
                *parts.entry(*activity).or_default() += each * f64::from(*count);
            }
        }
        before = at;
        *busy.entry(activity).or_default() += change;
    }
    let nanos = |(activity, nanos): (Activity, f64)| (activity, nanos.round() as u64);
    parts
        .into_iter()
        .map(nanos)
        .filter(|(_, nanos)| *nanos > 0)
        .collect()
}
