//! Every instrument, and each over time.

mod chart;
mod curve;
mod instrument;
mod list;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use serde::Deserialize;

use super::Web;
use super::layout::{Page, Tab};
use super::work::work;
use crate::model::MetricValue;
use crate::store::Series;
use crate::text::{duration, escape, shortened};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/metrics", get(page))
}

/// The instrument to show; without a name the list of all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    name: String,
    service: String,
}

async fn page(State(web): State<Web>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    work(web, move |web| {
        let series = web.store.series();
        if asked.name.is_empty() {
            return show("Metrics", &list::list(&series));
        }
        let chosen: Vec<&Series> = series
            .iter()
            .filter(|it| it.point.name == asked.name)
            .filter(|it| asked.service.is_empty() || it.point.service == asked.service)
            .collect();
        let title = format!("{} · Metrics", asked.name);
        show(&title, &instrument::instrument(&asked, &chosen))
    })
    .await
}

fn show(title: &str, content: &Markup) -> Response {
    let page = Page {
        title,
        tab: Tab::Metrics,
        query: "",
        waits: false,
    };
    page.render(content).into_response()
}

/// The type of an instrument, as OpenTelemetry names it.
fn kind(value: &MetricValue) -> &'static str {
    match value {
        MetricValue::Gauge { .. } => "gauge",
        MetricValue::Sum {
            monotonic: true, ..
        } => "counter",
        MetricValue::Sum { .. } => "up-down counter",
        MetricValue::Histogram { .. } => "histogram",
        MetricValue::ExponentialHistogram { .. } => "exponential histogram",
        MetricValue::Summary { .. } => "summary",
    }
}

/// A number as short as it can be told: `1.5k`, `0.0042`.
fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    match size {
        0.0 => "0".to_owned(),
        1e9.. => format!("{:.3}G", value / 1e9),
        1e6.. => format!("{:.3}M", value / 1e6),
        1e4.. => format!("{:.2}k", value / 1e3),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3e}"),
    }
}

/// A value with its unit: seconds and bytes as people say them.
fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" => duration((value.max(0.0) * 1e9) as u64),
        "ms" => duration((value.max(0.0) * 1e6) as u64),
        "By" => format!("{}B", number(value)),
        "" | "1" => number(value),
        unit if unit.starts_with('{') => number(value),
        unit => format!("{} {}", number(value), escape(&shortened(unit, 40))),
    }
}
