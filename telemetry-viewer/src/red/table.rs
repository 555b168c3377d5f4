use std::fmt::Write;

use serde::Serialize;

use crate::text::{duration, escape, shortened};

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
    /// Requests since the service started; of every run that was seen.
    pub requests: u64,
    /// Requests among them with an `error.type`.
    pub errors: u64,
    /// Requests per second while the service ran: the time between two runs does not count. `None` if the sender
    /// does not say when it started.
    pub rate: Option<f64>,
    /// Requests per second in the last minute.
    pub recent_rate: f64,
    /// Median duration in seconds; `None` without measurements.
    pub p50: Option<f64>,
    /// 95th percentile of the duration in seconds.
    pub p95: Option<f64>,
    /// 99th percentile of the duration in seconds.
    pub p99: Option<f64>,
    /// How the percentiles were found.
    pub percentiles: Percentiles,
}

/// How percentiles were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Percentiles {
    /// From the spans of all requests: true.
    Spans,
    /// Interpolated within the buckets of a histogram: as exact as the buckets are narrow.
    Buckets,
}

impl Percentiles {
    /// `spans` or `buckets`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Buckets => "buckets",
        }
    }
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

const COLUMNS: [&str; 10] = [
    "SERVICE", "METHOD", "ROUTE", "REQUESTS", "ERRORS", "RATE/s", "P50", "P95", "P99", "FROM",
];

/// The cells of a row as text, in the order of [`COLUMNS`], safe to print.
fn cells(row: &RedRow) -> [String; 10] {
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
        row.percentiles.as_str().to_owned(),
    ]
}
