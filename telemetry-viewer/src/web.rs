//! Shows what the store holds: JSON for programs, plain text for terminals, pages for people.

mod api;
mod assets;
mod clear;
mod compare;
mod copy;
mod export;
mod guard;
mod layout;
mod logs;
mod map;
mod metrics;
mod plain;
mod routes;
mod safe;
mod services;
mod site;
mod sparkline;
mod trace;
mod traces;
mod work;

use axum::Router;
use axum::http::StatusCode;

use crate::hosts::Hosts;

pub(crate) use site::Web;

/// Everything a reader can ask for.
pub(crate) fn router(web: Web, hosts: Hosts) -> Router {
    let pages = Router::new()
        .merge(traces::router())
        .merge(trace::router())
        .merge(compare::router())
        .merge(copy::router())
        .merge(logs::router())
        .merge(routes::router())
        .merge(metrics::router())
        .merge(map::router())
        .merge(plain::router())
        .merge(clear::router())
        .merge(api::router())
        .merge(export::router())
        .with_state(web);
    guard::guarded(pages.merge(assets::router()), hosts).fallback(async || {
        let message = "no such page; see / for the web page and /api/traces for the API\n";
        (StatusCode::NOT_FOUND, message)
    })
}
