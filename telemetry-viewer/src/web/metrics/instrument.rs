use maud::{Markup, html};

use super::chart::{Dot, chart};
use super::curve::{Curve, curve};
use super::values::{Asked, kind, number, with_unit};
use crate::model::{MetricPoint, MetricValue};
use crate::store::Series;
use crate::text::{count, plural};
use crate::web::safe::{Safe, name, value};
use crate::web::services::{chip, colour};

/// Lines of one chart, the busiest series.
const MAX_LINES: usize = 10;
const MAX_ROWS: usize = 200;
const MAX_DOTS: usize = 60;

/// The chart of one instrument, and its series.
pub(super) fn instrument(asked: &Asked, series: &[&Series]) -> Markup {
    let Some(first) = series.first().map(|it| &it.point) else {
        return html! {
            p.nothing { "No metric " code { (value(&asked.name)) } " has been received, or it gave way to newer ones." }
        };
    };
    let mut sorted: Vec<&Series> = series.to_vec();
    sorted.sort_by(|a, b| size(&b.point).total_cmp(&size(&a.point)));
    let curves: Vec<Curve> = sorted.iter().take(MAX_LINES).map(|it| curve(it)).collect();
    let dots = dots(&sorted);
    html! {
        h1 { (name(&first.name)) }
        p.meta {
            span { (kind(&first.value)) }
            @if !first.unit.is_empty() { span { "unit " code { (name(&first.unit)) } } }
            (chip(&first.service, &colour(&first.service)))
            span { (count(series.len())) " series" }
            span { "scope " (name(&first.scope)) }
        }
        @if !first.description.is_empty() { p { (Safe(&first.description, 400)) } }
        div #fresh {
            figure.chart {
                (chart(&curves, &dots, chart_unit(first), "The instrument over time"))
                figcaption {
                    (shown(&first.value))
                    @if !dots.is_empty() { " Each dot is an exemplar: a measurement that leads to its trace." }
                    @if sorted.len() > MAX_LINES { " The " (MAX_LINES) " largest series are drawn." }
                }
            }
            (table(&sorted))
        }
    }
}

fn dots(series: &[&Series]) -> Vec<Dot> {
    let is_distribution = |point: &MetricPoint| {
        !matches!(
            point.value,
            MetricValue::Gauge { .. } | MetricValue::Sum { .. }
        )
    };
    let mut dots: Vec<Dot> = series
        .iter()
        .filter(|it| is_distribution(&it.point))
        .flat_map(|it| it.history.exemplars.iter())
        .filter_map(|exemplar| {
            Some(Dot {
                at: exemplar.time_unix_nanos,
                value: exemplar.value.as_f64(),
                trace: exemplar.trace_id?,
            })
        })
        .collect();
    dots.sort_by_key(|dot| std::cmp::Reverse(dot.at));
    dots.truncate(MAX_DOTS);
    dots
}

/// A counter is drawn by its rate, which has no unit of its own.
fn chart_unit(point: &MetricPoint) -> &str {
    match point.value {
        MetricValue::Sum {
            monotonic: true, ..
        }
        | MetricValue::Summary { .. } => "",
        _ => &point.unit,
    }
}

fn shown(value: &MetricValue) -> &'static str {
    match value {
        MetricValue::Gauge { .. } => "The value over time.",
        MetricValue::Sum {
            monotonic: true, ..
        } => "The rate per second.",
        MetricValue::Sum { .. } => "The total over time.",
        MetricValue::Histogram { .. } => {
            "What 95 of 100 measurements of each export did not exceed, from buckets."
        }
        MetricValue::ExponentialHistogram { .. } => "The mean of each export.",
        MetricValue::Summary { .. } => "Measurements per second.",
    }
}

fn table(series: &[&Series]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Series" {
            table.series {
                thead { tr { th { "Labels" } th.number { "Value" } th { "Traces" } } }
                tbody {
                    @for (index, one) in series.iter().take(MAX_ROWS).enumerate() {
                        tr {
                            td {
                                span class={ "service s" (index % 10) } {
                                    @if one.point.attributes.is_empty() { "(no labels)" }
                                    @for (key, it) in &one.point.attributes {
                                        (name(key)) "=" b { (Safe(it, 200)) } " "
                                    }
                                }
                            }
                            td.number { (newest(&one.point)) }
                            td.links {
                                @for exemplar in one.history.exemplars.iter().rev().take(3) {
                                    @if let Some(trace) = exemplar.trace_id {
                                        a href={ "/traces/" (trace) } {
                                            (with_unit(exemplar.value.as_f64(), &one.point.unit))
                                        } " "
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if series.len() > MAX_ROWS { p.dim { "and " (plural(series.len() - MAX_ROWS, "row")) " more" } }
    }
}

fn newest(point: &MetricPoint) -> String {
    let distribution = |count: u64, sum: f64| {
        let mean = sum / count.max(1) as f64;
        format!(
            "{} measurements, {} on average",
            number(count as f64),
            with_unit(mean, &point.unit)
        )
    };
    match &point.value {
        MetricValue::Gauge { value } | MetricValue::Sum { value, .. } => {
            with_unit(value.as_f64(), &point.unit)
        }
        MetricValue::Histogram { count, sum, .. }
        | MetricValue::ExponentialHistogram { count, sum, .. } => {
            distribution(*count, sum.unwrap_or(0.0))
        }
        MetricValue::Summary { count, sum, .. } => distribution(*count, *sum),
    }
}

fn size(point: &MetricPoint) -> f64 {
    match &point.value {
        MetricValue::Gauge { value } | MetricValue::Sum { value, .. } => value.as_f64(),
        MetricValue::Histogram { count, .. }
        | MetricValue::ExponentialHistogram { count, .. }
        | MetricValue::Summary { count, .. } => *count as f64,
    }
}
