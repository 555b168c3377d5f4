use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{label, percent, rate};
use crate::analysis::service_map::{Node, ServiceMap, Traffic};
use crate::text::{duration, fit};
use crate::web::safe::name;
use crate::web::services::colour;

const BOX_WIDTH: f64 = 170.0;
const BOX_HEIGHT: f64 = 46.0;
const COLUMN: f64 = 320.0;
const ROW: f64 = 110.0;
const MARGIN: f64 = 16.0;
/// With more nodes the picture is unreadable; the table below has all.
const MAX_NODES: usize = 60;

/// The map as a picture: callers to the left, what they call to the right.
pub(super) fn picture(map: &ServiceMap) -> Markup {
    let columns = columns(map);
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places: BTreeMap<&Node, (f64, f64)> = BTreeMap::new();
    for (node, column) in columns.iter().take(MAX_NODES) {
        let row = rows.entry(*column).or_default();
        // Neighbouring columns stand half a row apart, so that arrows and their labels do not meet boxes.
        let shift = if column % 2 == 1 { ROW / 2.0 } else { 0.0 };
        let x = MARGIN + *column as f64 * COLUMN;
        places.insert(node, (x, MARGIN + shift + *row as f64 * ROW));
        *row += 1;
    }
    let width = places
        .values()
        .map(|(x, _)| x + BOX_WIDTH)
        .fold(0.0, f64::max)
        + MARGIN;
    let height = places
        .values()
        .map(|(_, y)| y + BOX_HEIGHT)
        .fold(0.0, f64::max)
        + MARGIN
        + 24.0;
    html! {
        svg.map viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img"
            aria-label="Services, databases and queues with the calls between them; the table below has the same" {
            defs {
                marker #arrow viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                    path d="M0 0 8 4 0 8z" {}
                }
            }
            @for ((from, to), traffic) in map {
                @if let (Some(from), Some(to)) = (places.get(from), places.get(to)) {
                    (arrow(*from, *to, traffic))
                }
            }
            @for (node, (x, y)) in &places { (shape(node, *x, *y)) }
        }
    }
}

/// The column of each node: how many calls lead to it from a caller, the fewest. Other arrows may lead back.
fn columns(map: &ServiceMap) -> BTreeMap<&Node, usize> {
    let called = |node: &Node| map.keys().any(|(from, to)| to == node && from != to);
    let mut columns: BTreeMap<&Node, usize> = BTreeMap::new();
    let mut next: Vec<&Node> = map.keys().map(|(from, _)| from).collect();
    next.retain(|node| !called(node));
    next.dedup();
    // In a ring everybody is called; then anybody is as good a start.
    next.extend(
        map.keys()
            .next()
            .filter(|_| next.is_empty())
            .map(|(from, _)| from),
    );
    let mut column = 0;
    while !next.is_empty() {
        next.retain(|node| columns.insert(node, column).is_none());
        let below = map.keys().filter(|(from, _)| next.contains(&from));
        let mut below: Vec<&Node> = below.map(|(_, to)| to).collect();
        below.retain(|node| !columns.contains_key(node));
        below.sort();
        below.dedup();
        next = below;
        column += 1;
    }
    for node in map.keys().flat_map(|(from, to)| [from, to]) {
        columns.entry(node).or_insert(0);
    }
    columns
}

fn arrow(from: (f64, f64), to: (f64, f64), traffic: &Traffic) -> Markup {
    let forward = to.0 > from.0;
    let (x1, x2) = if forward {
        (from.0 + BOX_WIDTH, to.0)
    } else {
        (from.0, to.0 + BOX_WIDTH)
    };
    let (y1, y2) = (from.1 + BOX_HEIGHT / 2.0, to.1 + BOX_HEIGHT / 2.0);
    let bend = (x2 - x1) / 2.0;
    let path = format!(
        "M{x1:.0} {y1:.0}C{:.0} {y1:.0} {:.0} {y2:.0} {x2:.0} {y2:.0}",
        x1 + bend,
        x2 - bend
    );
    let (x, y) = ((x1 + x2) / 2.0, (y1 + y2) / 2.0);
    let failed = traffic.errors > 0;
    html! {
        path.arrow.bad[failed] d=(path) marker-end="url(#arrow)" {}
        text.calls x=(format!("{x:.0}")) y=(format!("{:.0}", y - 6.0)) {
            @match traffic.rate() { Some(_) => (rate(traffic)), None => { (traffic.calls) "×" } }
            " · p95 " (duration(traffic.p95()))
        }
        @if failed {
            text.calls.bad x=(format!("{x:.0}")) y=(format!("{:.0}", y + 12.0)) { (percent(traffic)) " failed" }
        }
    }
}

fn shape(node: &Node, x: f64, y: f64) -> Markup {
    let (class, kind) = match node {
        Node::Callers => ("callers", ""),
        Node::Service(_) => ("service", "service"),
        Node::Database(_) => ("database", "database"),
        Node::Queue(_) => ("queue", "queue"),
        Node::Host(_) => ("host", "host without spans"),
    };
    let tint = match node {
        Node::Service(name) => colour(name),
        _ => String::new(),
    };
    let (middle, first) = (
        x + BOX_WIDTH / 2.0,
        y + if kind.is_empty() { 28.0 } else { 21.0 },
    );
    html! {
        rect class={ "node " (class) } x=(x) y=(y) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="8" {}
        @if !tint.is_empty() {
            rect class={ "edge " (tint) } x=(x) y=(y) width="5" height=(BOX_HEIGHT) rx="2" {}
        }
        text.title x=(middle) y=(first) { (name(fit(label(node), 22))) }
        @if !kind.is_empty() { text.kind x=(middle) y=(y + 37.0) { (kind) } }
    }
}
