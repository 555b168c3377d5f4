use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::model::{ParseIdError, TraceId};
use crate::web::layout::{Page, Tab};
use crate::web::safe::{Safe, address};

/// A page that loads itself again until the trace is there.
pub(super) fn not_yet(id: TraceId) -> Response {
    let title = format!("Waiting for trace {id}");
    let logs = address("/logs", &[("q", &id.to_string())]);
    let content = html! {
        div #fresh.nothing data-waits="" {
            h1 { "Waiting for trace " code { (id) } }
            p { "It has not been received yet. This page fills itself when it arrives." }
            p {
                "If it stays empty, the trace was not sampled, its service could not send it, or it was evicted to make
                 room for newer ones. " a href=(logs) { "Its logs" } " may be here all the same."
            }
        }
    };
    answer(&title, true, &content)
}

/// A page for what is no trace id.
pub(super) fn no_id(id: &str, error: &ParseIdError) -> Response {
    let search = address("/", &[("q", id)]);
    let content = html! {
        div.nothing {
            h1 { "No trace " code { (Safe(id, 64)) } }
            p { (error) "." }
            p {
                "A correlation id is found by the search: " a href=(search) { "search for it" }
                ". A program asks " code { "/api/traces?correlation_id=" } "."
            }
        }
    };
    answer("No such trace", false, &content)
}

fn answer(title: &str, waits: bool, content: &Markup) -> Response {
    let page = Page {
        title,
        tab: Tab::Traces,
        query: "",
        waits,
    };
    (StatusCode::NOT_FOUND, page.render(content)).into_response()
}
