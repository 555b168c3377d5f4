use std::fmt::Write;

use maud::{Markup, html};

use super::curve::Curve;
use super::values::with_unit;
use crate::model::TraceId;
use crate::text::time;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 76.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;

/// One measurement that leads to its trace.
pub(super) struct Dot {
    pub(super) at: u64,
    pub(super) value: f64,
    pub(super) trace: TraceId,
}

/// Lines over time, with a dot for each exemplar.
pub(super) fn chart(curves: &[Curve], dots: &[Dot], unit: &str, label: &str) -> Markup {
    let points = || curves.iter().flatten();
    let moments = points()
        .map(|(at, _)| *at)
        .chain(dots.iter().map(|dot| dot.at));
    let values = points()
        .map(|(_, it)| *it)
        .chain(dots.iter().map(|dot| dot.value));
    let values = values.filter(|it| it.is_finite());
    let (Some(first), Some(last)) = (moments.clone().min(), moments.max()) else {
        return html! { p.nothing { "Nothing to draw yet: a second point is needed." } };
    };
    let (bottom, top) = values.fold((0.0, 0.0), |(a, b): (f64, f64), it| (a.min(it), b.max(it)));
    let top = if top > bottom {
        top + (top - bottom) * 0.08
    } else {
        bottom + 1.0
    };
    let x = |at: u64| {
        let share = (at - first) as f64 / (last - first).max(1) as f64;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    };
    let y = |value: f64| {
        let share = (value.clamp(bottom, top) - bottom) / (top - bottom);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    };
    let lines: Vec<String> = curves.iter().map(|curve| line(curve, x, y)).collect();
    let marks = (0..=4).map(|part| bottom + (top - bottom) * f64::from(part) / 4.0);
    html! {
        svg.chart viewBox="0 0 960 280" role="group" aria-label=(label) {
            @for value in marks {
                @let at = format!("{:.1}", y(value));
                line.grid x1="76" x2="946" y1=(at) y2=(at) {}
                text.y x="68" y=(format!("{:.1}", y(value) + 4.0)) { (with_unit(value, unit)) }
            }
            text.x x="76" y="274" { (&time(first)[11..19]) }
            text.x.end x="946" y="274" { (&time(last)[11..19]) " UTC" }
            @for (index, points) in lines.iter().enumerate() {
                @if points.contains(' ') {
                    polyline class={ "s" (index % 10) } points=(points) {}
                } @else if let Some((x, y)) = points.split_once(',') {
                    circle class={ "lone s" (index % 10) } cx=(x) cy=(y) r="3" {}
                }
            }
            @for dot in dots {
                a href={ "/traces/" (dot.trace) } aria-label={
                    "Trace of a measurement of " (with_unit(dot.value, unit))
                } {
                    circle.exemplar cx=(format!("{:.1}", x(dot.at))) cy=(format!("{:.1}", y(dot.value))) r="5" {
                        title { (with_unit(dot.value, unit)) " at " (&time(dot.at)[11..23]) }
                    }
                }
            }
        }
    }
}

fn line(curve: &Curve, x: impl Fn(u64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut points = String::new();
    for (at, value) in curve.iter().filter(|(_, value)| value.is_finite()) {
        let _ = write!(points, "{:.1},{:.1} ", x(*at), y(*value));
    }
    points.trim_end().to_owned()
}
