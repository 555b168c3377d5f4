use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use telemetry_viewer::{LogFilter, Query, Store, TraceId, render_logs_within, render_traces};

use super::commands::{Kind, Tail, query};
use super::source::{get, is_viewer, read};
use super::terminal::{Terminal, print};

const PAUSE: Duration = Duration::from_millis(400);

pub(super) async fn run(arguments: &Tail) -> Result<(), Box<dyn Error>> {
    let from = &arguments.source.from;
    if !is_viewer(from) {
        return Err("tail follows a running viewer; for a file use traces".into());
    }
    let mut tail = Following {
        address: format!("{}/api/export", from.trim_end_matches('/')),
        terminal: Terminal::stdout(),
        query: query(&arguments.query)?,
        only: arguments.only,
        printed: HashSet::new(),
        after: None,
    };
    if !arguments.all {
        tail.look(false).await?;
    }
    loop {
        tail.look(true).await?;
        tokio::time::sleep(PAUSE).await;
    }
}

struct Following {
    address: String,
    terminal: Terminal,
    query: Query,
    only: Kind,
    /// Traces that have been printed: spans that arrive later do not print them again.
    printed: HashSet<TraceId>,
    /// The version of the viewer's store and the number of log records that were seen.
    after: Option<(String, String)>,
}

impl Following {
    /// Asks for what is new, and prints it.
    async fn look(&mut self, printing: bool) -> Result<(), Box<dyn Error>> {
        let (version, logs) = self.after.clone().unwrap_or_default();
        let asked = [
            ("after", version.as_str()),
            ("logs_after", logs.as_str()),
            ("metrics", "false"),
        ];
        let response = get(&self.address, &asked).await?;
        let header = |name: &str| {
            let value = response.headers().get(name);
            let text = value.and_then(|it| it.to_str().ok());
            text.unwrap_or_default().to_owned()
        };
        self.after = Some((header("x-version"), header("x-logs")));
        let store = Store::default();
        read(&store, &response.text().await?)?;
        if printing {
            print(&self.news(&store))?;
        }
        Ok(())
    }

    fn news(&mut self, store: &Store) -> String {
        let mut out = String::new();
        if self.only != Kind::Traces {
            // A query is for traces; the logs of those that do not fulfil it are left out.
            let mut logs = store.logs(&LogFilter::default());
            if !self.query.is_empty() {
                let traces = store.search(&self.query);
                let ids: HashSet<TraceId> = traces.iter().map(|trace| trace.trace_id).collect();
                logs.retain(|record| record.trace_id.is_some_and(|id| ids.contains(&id)));
            }
            out.push_str(&render_logs_within(self.terminal.width, &logs));
        }
        if self.only != Kind::Logs {
            let mut traces = store.search(&self.query);
            traces.reverse();
            // A trace is told when its request has ended: when its root is there.
            traces.retain(|trace| {
                let ended = trace.root().is_some_and(|it| it.parent_span_id.is_none());
                ended && self.printed.insert(trace.trace_id)
            });
            out.push_str(&render_traces(
                &traces,
                self.terminal.width,
                self.terminal.colours,
            ));
        }
        out
    }
}
