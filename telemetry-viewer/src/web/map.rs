//! The map of services, databases and queues.

mod picture;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};

use super::layout::{Page, Tab};
use super::safe::name;
use super::site::Web;
use super::work::work;
use crate::analysis::service_map::{self, Node, ServiceMap, Traffic};
use crate::text::{count, duration};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/map", get(page))
}

async fn page(State(web): State<Web>) -> Response {
    work(web, |web| {
        let mut map: ServiceMap = BTreeMap::new();
        for held in web.store.all_held() {
            service_map::add(&mut map, held.trace());
        }
        service_map::finish(&mut map);
        let page = Page {
            title: "Map",
            tab: Tab::Map,
            query: "",
            waits: false,
        };
        page.render(&content(&map)).into_response()
    })
    .await
}

fn content(map: &ServiceMap) -> Markup {
    html! {
        h1.visually-hidden { "Map" }
        div #fresh {
            @if map.is_empty() {
                p.nothing { "No call between services, databases and queues has been received yet." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Map of services" { (picture::picture(map)) }
                (table(map))
            }
        }
    }
}

fn table(map: &ServiceMap) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Calls" {
            table.calls {
                thead {
                    tr {
                        th { "From" } th { "To" } th.number { "Calls" } th.number { "Rate" }
                        th.number { "Errors" } th.number { "P95" }
                    }
                }
                tbody {
                    @for ((from, to), traffic) in map {
                        tr {
                            td { (name(label(from))) }
                            td { (name(label(to))) }
                            td.number { (count(usize::try_from(traffic.calls).unwrap_or(usize::MAX))) }
                            td.number { (rate(traffic)) }
                            td.number.bad[traffic.errors > 0] { (percent(traffic)) }
                            td.number { (duration(traffic.p95())) }
                        }
                    }
                }
            }
        }
    }
}

fn label(node: &Node) -> &str {
    match node {
        Node::Callers => "callers",
        Node::Service(name) | Node::Database(name) | Node::Queue(name) | Node::Host(name) => name,
    }
}

fn rate(traffic: &Traffic) -> String {
    traffic
        .rate()
        .map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2}/s"))
}

fn percent(traffic: &Traffic) -> String {
    match traffic.errors {
        0 => "0".to_owned(),
        errors => format!(
            "{:.1}%",
            100.0 * errors as f64 / traffic.calls.max(1) as f64
        ),
    }
}
