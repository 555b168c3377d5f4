//! The terminal that reads the report: how wide it is, and lines that fit it.

use std::io::IsTerminal;

use crate::paint::Paint;

/// Columns of a terminal that does not tell how many it has.
const UNKNOWN: usize = 80;
/// Columns of a file or another program.
const PIPED: usize = 110;
/// Nothing is readable below the first, and nobody reads lines longer than the second.
const READABLE: (usize, usize) = (60, 140);

/// How standard output looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) is_terminal: bool,
    /// Columns.
    pub(crate) width: usize,
    pub(crate) paint: Paint,
}

impl Terminal {
    pub(crate) fn stdout() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let size = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let columns = std::env::var("COLUMNS").ok();
        Self {
            is_terminal,
            width: width(columns.as_deref(), is_terminal, size),
            paint: Paint::new(is_terminal),
        }
    }
}

/// The user's own word comes first, as with other programs.
fn width(columns: Option<&str>, is_terminal: bool, size: Option<usize>) -> usize {
    let told = columns.and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let found = if is_terminal {
        size.filter(|it| *it > 0).unwrap_or(UNKNOWN)
    } else {
        PIPED
    };
    told.unwrap_or(found).clamp(READABLE.0, READABLE.1)
}

/// The line, or its beginning and an ellipsis.
pub(crate) fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let begin: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", begin.trim_end())
}

/// The line broken between words; further lines stand two columns deeper. A word longer than the width stays whole.
pub(crate) fn wrap(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let indent = line.chars().take_while(|it| *it == ' ').count();
    let mut lines = Vec::new();
    let mut current = " ".repeat(indent);
    let mut begun = false;
    for word in line.trim_start().split(' ') {
        if begun && current.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut current, " ".repeat(indent + 2)));
            begun = false;
        }
        if begun {
            current.push(' ');
        }
        current.push_str(word);
        begun = true;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_the_users_word_or_the_terminals_or_a_usual_one() {
        assert_eq!(width(Some("100"), true, Some(80)), 100);
        assert_eq!(width(Some("wide"), true, Some(90)), 90);
        assert_eq!(width(None, true, None), UNKNOWN);
        assert_eq!(width(None, true, Some(0)), UNKNOWN);
        assert_eq!(width(None, false, Some(90)), PIPED);
        assert_eq!(width(None, true, Some(3)), READABLE.0);
        assert_eq!(width(None, true, Some(999)), READABLE.1);
    }

    #[test]
    fn long_lines_are_cut_or_broken_between_words() {
        assert_eq!(fit("abc def", 7), "abc def");
        assert_eq!(fit("abc def", 5), "abc…");
        assert_eq!(wrap("  a b", 5), ["  a b"]);
        assert_eq!(wrap("  aa bb cc", 7), ["  aa bb", "    cc"]);
        assert_eq!(
            wrap("a http://long.example b", 6),
            ["a", "  http://long.example", "  b"]
        );
    }
}
