use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use crate::hosts::Hosts;

/// Nothing that a stranger sent may run or be loaded; styles and the script are those of this program.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers only requests for a name of this machine, and tells the browser what a page may do.
pub(super) fn guarded(pages: Router, hosts: Hosts) -> Router {
    pages.layer(from_fn(move |request: Request, next: Next| {
        let hosts = hosts.clone();
        async move { guard(&hosts, request, next).await }
    }))
}

async fn guard(hosts: &Hosts, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let mut response = if hosts.allow(&head) {
        next.run(Request::from_parts(head, body)).await
    } else {
        let message = "this host name is not allowed here: open http://127.0.0.1 with the viewer's port, \
                       or start the viewer with --allow-host NAME\n";
        (StatusCode::FORBIDDEN, message).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
