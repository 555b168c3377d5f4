use std::error::Error;

use telemetry_viewer::{LogFilter, Query, Store, Trace, TraceId, render_logs_within};

use super::commands::{Diff, Show};
use super::source::load;
use super::terminal::{Terminal, print};

pub(super) async fn run(arguments: &Show) -> Result<(), Box<dyn Error>> {
    let store = load(&arguments.source.from, &by_id(&arguments.id)).await?;
    let trace = find(&store, &arguments.id)?;
    let terminal = Terminal::stdout();
    let mut text = trace.waterfall(&terminal.waterfall());
    let mut logs = store.logs(&LogFilter::trace(trace.trace_id));
    // All lines are of this trace: its ids say nothing more.
    let id = trace.trace_id.to_string();
    for record in &mut logs {
        record.trace_id = None;
        record
            .attributes
            .retain(|(key, value)| key != "correlation_id" || *value != *id);
    }
    if !logs.is_empty() {
        text.push('\n');
        text.push_str(&render_logs_within(terminal.width, &logs));
    }
    Ok(print(&text)?)
}

pub(super) async fn diff(arguments: &Diff) -> Result<(), Box<dyn Error>> {
    let a = load(&arguments.source.from, &by_id(&arguments.a)).await?;
    let b = load(&arguments.source.from, &by_id(&arguments.b)).await?;
    let (a, b) = (find(&a, &arguments.a)?, find(&b, &arguments.b)?);
    let style = Terminal::stdout().waterfall();
    Ok(print(&a.difference(&b, &style))?)
}

/// The query for an id, whatever characters it has.
fn by_id(id: &str) -> String {
    format!("id:\"{}\"", id.replace('"', ""))
}

fn find(store: &Store, id: &str) -> Result<Trace, Box<dyn Error>> {
    if let Some(trace) = id.parse::<TraceId>().ok().and_then(|id| store.trace(id)) {
        return Ok(trace);
    }
    let query: Query = by_id(id).parse()?;
    store.search(&query).into_iter().next().ok_or_else(|| {
        let reason = "not received yet, not sampled, or evicted to make room for newer ones";
        format!("no trace has the trace id or correlation id {id}: {reason}").into()
    })
}
