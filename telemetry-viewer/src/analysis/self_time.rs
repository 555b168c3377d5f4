//! Where the time of a trace went: what each span spent itself, and not in the spans below it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use super::timeline::{Interval, Timeline};
use crate::model::{SpanId, SpanKind, Trace};
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
        let timeline = Timeline::of(self);
        let mut by_scope: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
        let mut by_span = HashMap::new();
        let mut outside_nanos: u64 = 0;
        let mut steps: Vec<(i128, Activity, i32)> = Vec::new();
        let root = timeline.forest.root();
        let whole = root.map_or(Interval(0, 0), |root| timeline.intervals[root]);
        for (index, span) in self.spans.iter().enumerate() {
            let own = timeline.own(index);
            let spent = own.iter().map(|interval| interval.nanos()).sum();
            by_span.insert(span.span_id, spent);
            let scope = by_scope.entry(&span.scope).or_default();
            *scope = (scope.0.saturating_add(spent), scope.1 + 1);
            let activity = activity(&timeline, index);
            for interval in own {
                let inside = interval.within(whole);
                outside_nanos = outside_nanos.saturating_add(interval.nanos() - inside.nanos());
                if inside.nanos() > 0 {
                    steps.push((inside.0, activity, 1));
                    steps.push((inside.1, activity, -1));
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

fn activity(timeline: &Timeline<'_>, index: usize) -> Activity {
    let span = timeline.forest.span(index);
    if span
        .attributes
        .iter()
        .any(|(key, _)| key.starts_with("db."))
    {
        return Activity::Database;
    }
    let answered = || {
        let mut children = timeline.forest.children[index].iter();
        children.any(|child| timeline.forest.span(*child).kind == SpanKind::Server)
    };
    match span.kind {
        SpanKind::Client if span.attribute("messaging.system").is_some() => Activity::Messaging,
        SpanKind::Client if answered() => Activity::Network,
        SpanKind::Client => Activity::Elsewhere,
        SpanKind::Producer => Activity::Messaging,
        _ => Activity::Application,
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
