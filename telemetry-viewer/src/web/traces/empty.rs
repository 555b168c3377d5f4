use maud::{Markup, html};

use super::asked::Asked;
use crate::store::Counts;
use crate::text::plural;
use crate::web::Web;
use crate::web::safe::{address, value};

/// How to send something here.
pub(super) fn nothing_yet(web: &Web, counts: Counts) -> Markup {
    let (grpc, http) = (web.grpc, web.http);
    html! {
        div #fresh.welcome {
            h2 { "Waiting for the first trace" }
            @if counts.logs + counts.series > 0 {
                p {
                    "Received so far: "
                    @if counts.logs > 0 {
                        a href="/logs" { (plural(counts.logs, "log record")) }
                        @if counts.series > 0 { " and " }
                    }
                    @if counts.series > 0 {
                        a href="/metrics" { (counts.series) " metric series" }
                    }
                    "; traces are shown here as soon as the first one arrives."
                }
            }
            p { "Start your service with this line. The page fills itself." }
            pre tabindex="0" { "OTEL_EXPORTER_OTLP_ENDPOINT=http://" (grpc) " cargo run" }
            p { "or, for OTLP over HTTP:" }
            pre tabindex="0" { "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://" (http) " cargo run" }
            dl {
                dt { "OTLP over gRPC" }
                dd { "http://" (grpc) }
                dt { "OTLP over HTTP, this page and the API" }
                dd { "http://" (http) }
                dt { "A file of OTLP JSON lines" }
                dd { code { "telemetry-viewer import FILE" } }
            }
            p.dim { "Spans that are not sampled are not sent, and a batch is sent every five seconds by default." }
        }
    }
}

/// Possible reasons that nothing was found.
pub(super) fn nothing_found(asked: &Asked) -> Markup {
    let logs = address("/logs", &[("q", asked.q.trim())]);
    html! {
        div.nothing {
            p { "No trace fulfils " code { (value(asked.q.trim())) } "." }
            p {
                "It may not have been received yet, not been sampled, or given way to newer ones. "
                a href=(logs) { "Look for it in the logs" } "."
            }
            p { "A query is made of: " code { "text" } ", " code { "service:web" } ", " code { "status:error" } ", "
                code { "route:/orders" } ", " code { ">100ms" } ", " code { "key=value" } ", " code { "db:orders" }
                ", a trace id, " code { "id:order-7" } "; " code { "-" } " before a term turns it round." }
        }
    }
}
