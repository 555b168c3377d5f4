use std::collections::HashMap;

use super::buckets::Distribution;
use super::classify::Key;
use super::runs::Runs;
use crate::model::MetricPoint;
use crate::store::{Sample, Series};

const MINUTE: u64 = 60_000_000_000;

/// The series of one operation, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) runs: Runs,
    /// Measurements per second in the last minute.
    pub(super) recent_rate: f64,
    pub(super) distribution: Distribution,
}

pub(super) fn measured(series: &[Series], now: u64) -> HashMap<Key, Measured> {
    let mut groups: HashMap<Key, Measured> = HashMap::new();
    for series in series {
        if let Some(key) = Key::of_point(&series.point) {
            let group = groups.entry(key).or_default();
            group.add(&series.point);
            group.recent_rate += recent_rate(series, now);
        }
    }
    groups
}

impl Measured {
    fn add(&mut self, point: &MetricPoint) {
        let count = self.distribution.add(&point.value);
        self.count = self.count.saturating_add(count);
        if failed(point) {
            self.errors = self.errors.saturating_add(count);
        }
        self.runs.add(point.start_unix_nanos, point.time_unix_nanos);
    }
}

/// A step says how it ended in an attribute of the application's own namespace: `retail.outcome`.
fn failed(point: &MetricPoint) -> bool {
    point.attribute("error.type").is_some()
        || point.attributes.iter().any(|(key, value)| {
            (key == "outcome" || key.ends_with(".outcome"))
                && value
                    .as_str()
                    .is_some_and(|it| it == "error" || it == "failure")
        })
}

fn recent_rate(series: &Series, now: u64) -> f64 {
    let samples = &series.history.samples;
    let from = now.saturating_sub(MINUTE);
    let Some(last) = samples.back().filter(|it| it.time_unix_nanos >= from) else {
        return 0.0;
    };
    // The newest point before the minute, or else the start of the run.
    let before: Option<&Sample> = samples
        .iter()
        .rev()
        .skip(1)
        .take_while(|it| it.start_unix_nanos == last.start_unix_nanos)
        .find(|it| it.time_unix_nanos <= from);
    let (since, count) = match before {
        Some(before) => (before.time_unix_nanos, before.value),
        None => (last.start_unix_nanos, 0.0),
    };
    let seconds = last.time_unix_nanos.saturating_sub(since) as f64 / 1e9;
    if since == 0 || seconds <= 0.0 {
        return 0.0;
    }
    (last.value - count).max(0.0) / seconds
}
