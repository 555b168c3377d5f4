//! Progress on standard error, for a person who waits.

use std::io::Write as _;

/// Writes a line. Without a reader the demo goes on: its result is the exit code.
pub(crate) fn progress(line: &str) {
    let _ = writeln!(std::io::stderr(), "retail-demo: {line}");
}
