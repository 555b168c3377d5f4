use maud::{Markup, html};

use super::curve::curve;
use super::values::kind;
use crate::store::Series;
use crate::text::count;
use crate::web::safe::{Safe, address, name};
use crate::web::services::{chip, colour};
use crate::web::sparkline::sparkline;

/// Instruments of one page.
const MAX_ROWS: usize = 500;

/// All instruments, with the series of each together.
pub(super) fn list(series: &[Series]) -> Markup {
    let same = |a: &Series, b: &Series| {
        (&a.point.name, &a.point.service) == (&b.point.name, &b.point.service)
    };
    let instruments: Vec<&[Series]> = series.chunk_by(same).collect();
    html! {
        h1.visually-hidden { "Metrics" }
        div #fresh {
            @if instruments.is_empty() {
                p.nothing { "No metric has been received yet. They are exported once a minute by default; "
                    code { "OTEL_METRIC_EXPORT_INTERVAL=5000" } " makes it every five seconds." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Instruments" {
                    table.metrics {
                        thead {
                            tr {
                                th { "Instrument" } th { "Type" } th { "Unit" } th { "Service" }
                                th.number { "Series" } th { "Labels" } th { "Over time" }
                            }
                        }
                        tbody { @for one in instruments.iter().take(MAX_ROWS) { (row(one)) } }
                    }
                }
                @if instruments.len() > MAX_ROWS { p.dim { "and " (count(instruments.len() - MAX_ROWS)) " more" } }
            }
        }
    }
}

fn row(series: &[Series]) -> Markup {
    let Some(first) = series.first() else {
        return html! {};
    };
    let point = &first.point;
    let link = address(
        "/metrics",
        &[("name", &point.name), ("service", &point.service)],
    );
    let mut labels: Vec<&str> = Vec::new();
    for key in series
        .iter()
        .flat_map(|it| it.point.attributes.iter().map(|(key, _)| key))
    {
        if !labels.contains(&key.as_str()) {
            labels.push(key);
        }
    }
    let busiest = series
        .iter()
        .map(curve)
        .max_by_key(Vec::len)
        .unwrap_or_default();
    let values: Vec<f64> = busiest.iter().map(|(_, value)| *value).collect();
    html! {
        tr {
            th scope="row" {
                a href=(link) { (name(&point.name)) }
                @if !point.description.is_empty() { " " small { (Safe(&point.description, 200)) } }
            }
            td { (kind(&point.value)) }
            td { (name(&point.unit)) }
            td { (chip(&point.service, &colour(&point.service))) }
            td.number { (count(series.len())) }
            td.labels { @for label in labels.iter().take(8) { code { (name(label)) } " " } }
            td { @if values.len() > 1 { (sparkline(&values, "over time")) } }
        }
    }
}
