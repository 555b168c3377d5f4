use std::fmt::Write;

use maud::{Markup, html};

/// A small picture of figures over time, without an axis.
pub(super) fn sparkline(values: &[f64], label: &str) -> Markup {
    const WIDTH: f64 = 120.0;
    const HEIGHT: f64 = 22.0;
    let top = values
        .iter()
        .copied()
        .filter(|it| it.is_finite())
        .fold(0.0, f64::max);
    let step = WIDTH / (values.len().max(2) - 1) as f64;
    let mut points = String::new();
    for (index, value) in values.iter().enumerate() {
        let share = if top > 0.0 && value.is_finite() {
            value / top
        } else {
            0.0
        };
        let (x, y) = (index as f64 * step, HEIGHT - 2.0 - share * (HEIGHT - 4.0));
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    html! {
        svg.spark viewBox="0 0 120 22" role="img" aria-label=(label) preserveAspectRatio="none" {
            polyline points=(points.trim_end()) {}
        }
    }
}
