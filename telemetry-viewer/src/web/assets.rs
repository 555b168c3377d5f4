use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

const STYLE: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/tables.css"),
    include_str!("assets/waterfall.css"),
    include_str!("assets/charts.css")
);
const SCRIPT: &str = include_str!("assets/viewer.js");
const ICON: &str = include_str!("assets/favicon.svg");

/// The style, the script and the icon of all pages.
pub(super) fn router() -> Router {
    Router::new()
        .route("/viewer.css", get(async || asset("text/css", STYLE)))
        .route("/viewer.js", get(async || asset("text/javascript", SCRIPT)))
        .route("/favicon.svg", get(async || asset("image/svg+xml", ICON)))
        .route("/favicon.ico", get(async || asset("image/svg+xml", ICON)))
}

fn asset(kind: &'static str, content: &'static str) -> impl IntoResponse {
    // Another version of the program on the same port has other assets.
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], content)
}
