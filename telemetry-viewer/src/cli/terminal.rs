use std::io::{self, IsTerminal, Write};

use telemetry_viewer::WaterfallStyle;

/// Columns where nothing tells how many there are.
const COLUMNS: usize = 80;
/// Columns of what is written to a file or another program.
const PIPED: usize = 120;

/// How standard output looks.
pub(super) struct Terminal {
    /// Columns; `None` if lines may be as long as they are.
    pub(super) width: Option<usize>,
    pub(super) colours: bool,
}

impl Terminal {
    pub(super) fn stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
        let size = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = is_terminal.then(|| size.unwrap_or(COLUMNS));
        Self {
            width: columns.filter(|it| *it > 0).or(width),
            colours: is_terminal && !set("NO_COLOR") && !dumb,
        }
    }

    pub(super) fn waterfall(&self) -> WaterfallStyle {
        WaterfallStyle::default()
            .with_width(self.width.unwrap_or(PIPED))
            .with_colours(self.colours)
    }
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
