use super::html::Markup;
use crate::model::{LogRecord, Trace};
use crate::red::{self, RedRow};
use crate::store::Evicted;
use crate::text::{duration, render_logs, shortened, time};
use crate::tree::TreeStyle;

/// Names are cut here; the trace page shows more of them.
const MAX_CHARS: usize = 120;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
<title>telemetry-viewer</title><style>\
:root{color-scheme:light dark}\
body{font:15px/1.5 system-ui,sans-serif;max-width:80rem;margin:0 auto;padding:1rem}\
h1{font-size:1.2rem}h1 a{color:inherit;text-decoration:none}h2{font-size:1rem;margin-top:2rem}\
form{display:flex;gap:.5rem}input{flex:1;max-width:34rem;font:inherit;padding:.3rem .5rem}\
button{font:inherit;padding:.3rem .8rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}\
th{font-weight:600;font-size:.85rem}\
td{overflow-wrap:anywhere}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
pre{overflow-x:auto;padding:.75rem;border:1px solid #8884;border-radius:4px;line-height:1.4}\
.error{color:#c22;font-weight:600}.dim{opacity:.65}\
</style></head><body><h1><a href=\"/\">telemetry-viewer</a></h1>";

const FOOT: &str = "</body></html>\n";

/// The list of recent traces, or of those found, with the RED table below.
pub(super) fn index(
    query: &str,
    traces: &[Trace],
    logs: &[LogRecord],
    rows: &[RedRow],
    evicted: Evicted,
) -> String {
    let mut page = Markup::new();
    page.raw(HEAD);
    search(&mut page, query);
    page.raw("<h2>Traces</h2>");
    if !traces.is_empty() {
        trace_table(&mut page, traces);
    } else if query.is_empty() {
        page.raw("<p>Nothing received yet. Point an OTLP exporter at this address.</p>");
    } else {
        page.raw("<p>No trace has the trace id or correlation id ")
            .text(query)
            .raw(".</p>");
    }
    if !logs.is_empty() {
        log_block(&mut page, logs);
    }
    page.raw("<h2>Requests by route</h2>");
    if rows.is_empty() {
        page.raw("<p>No <code>http.server.request.duration</code> metric received yet.</p>");
    } else {
        red_table(&mut page, rows);
    }
    if evicted != Evicted::default() {
        page.raw("<p class=\"dim\">Let go to stay within limits: ");
        page.text(format_args!(
            "{} traces, {} log records, {} metric series; {} items refused.",
            evicted.traces, evicted.logs, evicted.series, evicted.refused
        ));
        page.raw("</p>");
    }
    page.raw(FOOT);
    page.finish()
}

/// One trace as a tree, with its logs.
pub(super) fn trace(trace: &Trace, logs: &[LogRecord]) -> String {
    let mut page = Markup::new();
    page.raw(HEAD);
    search(&mut page, "");
    page.raw("<h2>Trace ").text(trace.trace_id);
    if trace.has_error() {
        page.raw(" <span class=\"error\">ERROR</span>");
    }
    page.raw("</h2><p>")
        .text(time(trace.start_unix_nanos()))
        .raw(", ")
        .text(duration(trace.duration_nanos()))
        .raw(", ")
        .text(trace.spans.len())
        .raw(" spans, correlation id ")
        .text(trace.correlation_id())
        .raw("</p><p><a href=\"/traces/")
        .text(trace.trace_id)
        .raw(".txt\">as text</a> · <a href=\"/api/traces/")
        .text(trace.trace_id)
        .raw("\">as JSON with all attributes</a></p><pre>")
        .block(&trace.render(&TreeStyle::default().with_self_times(true)))
        .raw("</pre><h2>Where the time went</h2><pre>")
        .block(&trace.time_spent().render())
        .raw("</pre>");
    log_block(&mut page, logs);
    page.raw(FOOT);
    page.finish()
}

/// The page for an id that leads nowhere.
pub(super) fn missing(message: &str) -> String {
    let mut page = Markup::new();
    page.raw(HEAD);
    search(&mut page, "");
    page.raw("<p>")
        .text(message.trim_end())
        .raw("</p>")
        .raw(FOOT);
    page.finish()
}

fn search(page: &mut Markup, query: &str) {
    page.raw(
        "<form action=\"/\"><input name=\"q\" placeholder=\"trace id or correlation id\" \
         aria-label=\"trace id or correlation id\" value=\"",
    )
    .text(query)
    .raw("\"><button>Find</button></form>");
}

fn trace_table(page: &mut Markup, traces: &[Trace]) {
    page.raw(
        "<table><thead><tr><th>Start (UTC)<th>Service<th>Name<th class=\"n\">Duration\
         <th class=\"n\">Spans<th></tr></thead><tbody>",
    );
    for trace in traces {
        let (name, service) = match trace.root() {
            Some(root) if !root.name.is_empty() => (root.name.as_str(), root.service.as_str()),
            root => ("(no name)", root.map_or("", |root| &root.service)),
        };
        page.raw("<tr><td class=\"dim\">")
            .text(time(trace.start_unix_nanos()))
            .raw("<td>")
            .text(shortened(service, MAX_CHARS))
            .raw("<td><a href=\"/traces/")
            .text(trace.trace_id)
            .raw("\">")
            .text(shortened(name, MAX_CHARS))
            .raw("</a><td class=\"n\">")
            .text(duration(trace.duration_nanos()))
            .raw("<td class=\"n\">")
            .text(trace.spans.len())
            .raw(if trace.has_error() {
                "<td class=\"error\">ERROR</tr>"
            } else {
                "<td></tr>"
            });
    }
    page.raw("</tbody></table>");
}

fn log_block(page: &mut Markup, logs: &[LogRecord]) {
    page.raw("<h2>Logs</h2>");
    if logs.is_empty() {
        page.raw("<p>None received.</p>");
    } else {
        page.raw("<pre>").block(&render_logs(logs)).raw("</pre>");
    }
}

fn red_table(page: &mut Markup, rows: &[RedRow]) {
    page.raw("<table><thead><tr>");
    let class = |column: usize| if column < 3 { "" } else { " class=\"n\"" };
    for (column, heading) in red::COLUMNS.iter().enumerate() {
        page.raw("<th").raw(class(column)).raw(">").text(heading);
    }
    page.raw("</tr></thead><tbody>");
    for row in rows {
        page.raw("<tr>");
        for (column, cell) in red::cells(row).iter().enumerate() {
            page.raw("<td").raw(class(column)).raw(">").text(cell);
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table>");
}
