use clap::{Args, ValueEnum};
use telemetry_viewer::Query;

/// Where traces, logs and metrics come from.
#[derive(Debug, Args)]
pub(super) struct From {
    /// A running viewer, or a file of OTLP JSON lines as the Collector's file exporter writes it; `-` reads standard input.
    #[arg(
        long,
        value_name = "URL|FILE",
        env = "TELEMETRY_VIEWER_URL",
        default_value = "http://127.0.0.1:4318"
    )]
    pub(super) from: String,
}

#[derive(Debug, Args)]
pub(super) struct Tail {
    /// Which traces: text, service:web, status:error, route:/orders, '>100ms', key=value, db:orders, an id. A term with
    /// `-` before it is turned round; it stands behind `--`.
    #[arg(value_name = "QUERY", num_args = 0..)]
    pub(super) query: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Kind::All)]
    pub(super) only: Kind,
    /// Begins with what is there already.
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) source: From,
}

/// What `tail` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    All,
    Traces,
    Logs,
}

#[derive(Debug, Args)]
pub(super) struct Traces {
    /// Which traces: text, service:web, status:error, route:/orders, '>100ms', key=value, db:orders, an id. A term with
    /// `-` before it is turned round; it stands behind `--`.
    #[arg(value_name = "QUERY", num_args = 0..)]
    pub(super) query: Vec<String>,
    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) source: From,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// A trace id or a correlation id.
    pub(super) id: String,
    #[command(flatten)]
    pub(super) source: From,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The trace to compare with, by its trace id or correlation id.
    pub(super) a: String,
    /// The trace in question.
    pub(super) b: String,
    #[command(flatten)]
    pub(super) source: From,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file to write; `-` writes to standard output.
    pub(super) file: String,
    /// Which traces; without a query everything, metrics too.
    #[arg(value_name = "QUERY", num_args = 0..)]
    pub(super) query: Vec<String>,
    #[command(flatten)]
    pub(super) source: From,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file to read; `-` reads standard input.
    pub(super) file: String,
    /// The running viewer.
    #[arg(
        long,
        value_name = "URL",
        env = "TELEMETRY_VIEWER_URL",
        default_value = "http://127.0.0.1:4318"
    )]
    pub(super) to: String,
}

/// The words of a query as one.
pub(super) fn query(words: &[String]) -> Result<Query, Box<dyn std::error::Error>> {
    Ok(words.join(" ").parse::<Query>()?)
}
