use std::error::Error;

use telemetry_viewer::render_traces;

use super::commands::{Traces, query};
use super::source::load;
use super::terminal::{Terminal, print};

pub(super) async fn run(arguments: &Traces) -> Result<(), Box<dyn Error>> {
    let query = query(&arguments.query)?;
    let store = load(&arguments.source.from, &arguments.query.join(" ")).await?;
    let mut traces = store.search(&query);
    let all = traces.len();
    traces.truncate(arguments.limit);
    let terminal = Terminal::stdout();
    let mut text = render_traces(&traces, terminal.width, terminal.colours);
    if all > traces.len() {
        text.push_str(&format!("{} of {all}; --limit shows more\n", traces.len()));
    }
    if all == 0 {
        text.push_str("no trace fulfils this\n");
    }
    Ok(print(&text)?)
}
