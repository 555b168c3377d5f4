//! Rate, errors and duration of every route, from its request duration histograms.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::model::{MetricPoint, MetricValue};
use crate::text::{duration, escape, shortened};

#[cfg(test)]
mod tests;

const METRIC: &str = "http.server.request.duration";
/// Columns of the table are cut here, so that one hostile route cannot blow up every line.
const MAX_CHARS: usize = 80;

/// What one route of one service has done, over all its instances and status codes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedRow {
    /// `service.name` of the resource.
    pub service: String,
    /// `http.request.method`.
    pub method: String,
    /// `http.route`; empty for requests that matched none.
    pub route: String,
    /// Requests since the service started.
    pub requests: u64,
    /// Requests among them with an `error.type`.
    pub errors: u64,
    /// Requests per second from the start of the service to its last export; `None` if the sender
    /// does not say when that was.
    pub rate: Option<f64>,
    /// Median duration in seconds, interpolated within its bucket; `None` without measurements.
    pub p50: Option<f64>,
    /// 95th percentile of the duration in seconds.
    pub p95: Option<f64>,
    /// 99th percentile of the duration in seconds.
    pub p99: Option<f64>,
}

/// Writes the rows as a table with aligned columns and a heading.
pub fn render_red(rows: &[RedRow]) -> String {
    let mut table = vec![COLUMNS.map(str::to_owned)];
    table.extend(rows.iter().map(cells));
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|column| {
            let cells = table.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        })
        .collect();
    let mut out = String::new();
    for row in &table {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Words are aligned to the left, figures to the right.
            let _ = match column {
                0..3 => write!(line, "{cell:<width$}  "),
                _ => write!(line, "{cell:>width$}  "),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

pub(crate) const COLUMNS: [&str; 9] = [
    "SERVICE", "METHOD", "ROUTE", "REQUESTS", "ERRORS", "RATE/s", "P50", "P95", "P99",
];

/// The cells of a row as text, in the order of [`COLUMNS`], safe to print.
pub(crate) fn cells(row: &RedRow) -> [String; 9] {
    let word = |text: &str| match text {
        "" => "-".to_owned(),
        text => escape(&shortened(text, MAX_CHARS)),
    };
    let seconds = |value: Option<f64>| {
        // A cast of a float saturates and turns NaN into 0, whatever a hostile bound says.
        value.map_or_else(|| "-".to_owned(), |value| duration((value * 1e9) as u64))
    };
    [
        word(&row.service),
        word(&row.method),
        word(&row.route),
        row.requests.to_string(),
        row.errors.to_string(),
        row.rate
            .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}")),
        seconds(row.p50),
        seconds(row.p95),
        seconds(row.p99),
    ]
}

pub(crate) fn rows(points: &[MetricPoint]) -> Vec<RedRow> {
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for point in points.iter().filter(|point| point.name == METRIC) {
        let text = |key| point.attribute(key).map(|it| it.to_string());
        let key = (
            point.service.clone(),
            text("http.route").unwrap_or_default(),
            text("http.request.method").unwrap_or_default(),
        );
        groups.entry(key).or_default().add(point);
    }
    groups
        .into_iter()
        .map(|((service, route, method), group)| RedRow {
            service,
            method,
            route,
            requests: group.requests,
            errors: group.errors,
            rate: group.rate(),
            p50: group.distribution.quantile(0.5),
            p95: group.distribution.quantile(0.95),
            p99: group.distribution.quantile(0.99),
        })
        .collect()
}

/// The series of one row, added up.
#[derive(Default)]
struct Group {
    requests: u64,
    errors: u64,
    start: Option<u64>,
    end: u64,
    distribution: Distribution,
}

impl Group {
    fn add(&mut self, point: &MetricPoint) {
        let count = self.distribution.add(&point.value);
        self.requests = self.requests.saturating_add(count);
        if point.attribute("error.type").is_some() {
            self.errors = self.errors.saturating_add(count);
        }
        if point.start_unix_nanos != 0 {
            let start = self.start.unwrap_or(u64::MAX);
            self.start = Some(start.min(point.start_unix_nanos));
        }
        self.end = self.end.max(point.time_unix_nanos);
    }

    fn rate(&self) -> Option<f64> {
        let nanos = self.end.checked_sub(self.start?)?;
        (nanos > 0).then(|| self.requests as f64 / (nanos as f64 / 1e9))
    }
}

/// Buckets of several histograms, added up.
#[derive(Default)]
struct Distribution {
    /// Lower bound and count of each bucket, by the bits of its upper bound: these order like the
    /// bounds themselves, as no duration is negative.
    buckets: BTreeMap<u64, (f64, u64)>,
    max: Option<f64>,
    unknown_max: bool,
}

impl Distribution {
    /// Adds a histogram and returns how many measurements it says it has.
    fn add(&mut self, value: &MetricValue) -> u64 {
        let (count, max) = match value {
            MetricValue::Histogram {
                count,
                max,
                bounds,
                counts,
                ..
            } => {
                let uppers = bounds.iter().copied().chain([f64::INFINITY]);
                let lowers = [0.0].into_iter().chain(bounds.iter().copied());
                for ((lower, upper), count) in lowers.zip(uppers).zip(counts) {
                    self.add_bucket(lower, upper, *count);
                }
                (*count, *max)
            }
            MetricValue::ExponentialHistogram {
                count,
                max,
                scale,
                zero_count,
                positive,
                ..
            } => {
                self.add_bucket(0.0, 0.0, *zero_count);
                let width = (-f64::from(*scale)).exp2();
                for (index, count) in positive {
                    let bound = |index: f64| (index * width).exp2();
                    let index = f64::from(*index);
                    self.add_bucket(bound(index), bound(index + 1.0), *count);
                }
                (*count, *max)
            }
            _ => return 0,
        };
        if count > 0 {
            self.unknown_max |= max.is_none();
            self.max = self.max.into_iter().chain(max).reduce(f64::max);
        }
        count
    }

    fn add_bucket(&mut self, lower: f64, upper: f64, count: u64) {
        let upper = upper.max(0.0);
        let (_, sum) = self
            .buckets
            .entry(upper.to_bits())
            .or_insert((lower.clamp(0.0, upper), 0));
        *sum = sum.saturating_add(count);
    }

    /// The value below which that share of the measurements lies, assuming that they are spread
    /// evenly within a bucket. In the last bucket, which has no upper bound, the largest
    /// measurement stands in for it, or else its lower bound.
    fn quantile(&self, share: f64) -> Option<f64> {
        let max = self.max.filter(|max| !self.unknown_max && max.is_finite());
        let total: f64 = self.buckets.values().map(|(_, count)| *count as f64).sum();
        if total == 0.0 {
            return None;
        }
        let rank = share * total;
        let mut below = 0.0;
        let mut result = None;
        for (upper, (lower, count)) in &self.buckets {
            let (upper, count) = (f64::from_bits(*upper), *count as f64);
            if count == 0.0 {
                continue;
            }
            let upper = if upper.is_finite() {
                upper
            } else {
                max.map_or(*lower, |max| max.max(*lower))
            };
            result = Some(lower + (upper - lower) * ((rank - below) / count).clamp(0.0, 1.0));
            below += count;
            if below >= rank {
                break;
            }
        }
        // Interpolation must not report a duration that no request has had.
        result.map(|value| max.map_or(value, |max| value.min(max)))
    }
}
