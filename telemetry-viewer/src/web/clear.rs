use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::site::Web;
use crate::hosts::is_loopback_origin;

/// `POST /clear` forgets everything received so far.
pub(super) fn router() -> Router<Web> {
    Router::new().route("/clear", post(clear))
}

async fn clear(State(web): State<Web>, headers: HeaderMap) -> Response {
    // A form of another site may not do it: browsers say from where a request comes.
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    let foreign = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site != "same-origin" && site != "none",
        (None, Some(origin)) => {
            let host = text("host").unwrap_or_default();
            !is_loopback_origin(origin) && !origin.ends_with(&format!("//{host}"))
        }
        (None, None) => false,
    };
    if foreign {
        return (
            StatusCode::FORBIDDEN,
            "only the viewer's own page may clear it\n",
        )
            .into_response();
    }
    web.store.clear();
    Redirect::to("/").into_response()
}
