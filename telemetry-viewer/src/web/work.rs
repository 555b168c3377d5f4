use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::site::Web;

/// Makes a page on a thread of its own: what takes long there must not hold up what is received.
pub(super) async fn work<T, F>(web: Web, make: F) -> Response
where
    F: FnOnce(&Web) -> T + Send + 'static,
    T: IntoResponse + Send + 'static,
{
    let Ok(turn) = web.at_work.clone().acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let made = tokio::task::spawn_blocking(move || {
        let made = make(&web);
        drop(turn);
        made
    });
    match made.await {
        Ok(made) => made.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
