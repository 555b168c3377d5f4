//! One pass over the tokens, feeding the sanitised text and the summary.

use super::dialect::Dialect;
use super::lexer::{Kind, Lexer, Token};
use super::statement::Summarizer;
use super::summary::Summary;

/// Reads the text once, and not further than for this many bytes of output; with `TEXT` false only for the summary.
pub(super) fn run<const TEXT: bool>(
    sql: &str,
    dialect: Dialect,
    limit: usize,
) -> (String, Summary) {
    let mut lexer = Lexer::new(sql, dialect);
    let mut summarizer = Summarizer::new(dialect);
    let mut text = Text::new(sql, if TEXT { limit.min(sql.len()) } else { 0 });
    while let Some(token) = lexer.next() {
        let sensitive = match token.kind {
            Kind::Space | Kind::Comment => false,
            _ => summarizer.feed(token.kind, token.text),
        };
        if TEXT {
            text.add(token, sensitive);
            if text.is_full(token.end) {
                break;
            }
        } else if summarizer.is_full() {
            break;
        }
    }
    #[cfg(test)]
    super::properties::WORK.set(lexer.work);
    (
        if TEXT { text.finish() } else { String::new() },
        summarizer.finish(),
    )
}

/// Where the text stands in `IN (?, ?, ?)`, which is written `IN (?)` so that the length of a list
/// does not make a new text.
enum InList {
    Outside,
    AfterIn,
    /// Inside, from this length of the output on, with this many values; true after a value.
    Values(usize, usize, bool),
}

/// Output that copies whole stretches between things to mask.
struct Text<'a> {
    sql: &'a str,
    out: String,
    /// Most bytes of the output.
    limit: usize,
    /// There was more than the limit allows; then nothing is added.
    cut: bool,
    copied: usize,
    /// A comment was removed, and the tokens around it must not become one.
    gap: bool,
    list: InList,
}

impl<'a> Text<'a> {
    fn new(sql: &'a str, limit: usize) -> Self {
        Self {
            sql,
            out: String::with_capacity(limit),
            limit,
            cut: false,
            copied: 0,
            gap: false,
            list: InList::Outside,
        }
    }

    fn add(&mut self, token: Token<'_>, sensitive: bool) {
        match token.kind {
            Kind::Space => {
                self.gap = false;
                return;
            }
            Kind::Comment => {
                self.copy_to(token.start);
                self.copied = token.end;
                self.gap = self.out.ends_with(|last: char| !last.is_ascii_whitespace());
                return;
            }
            _ => {}
        }
        if self.gap {
            self.push(" ");
            self.gap = false;
        }
        let masked = sensitive || token.kind == Kind::Literal;
        if masked {
            self.copy_to(token.start);
            self.push("?");
            self.copied = token.end;
        }
        self.track_list(token, masked || token.text == "?");
    }

    fn track_list(&mut self, token: Token<'_>, is_value: bool) {
        self.list = match (&self.list, token.kind) {
            (InList::Outside | InList::AfterIn, Kind::Word)
                if token.text.eq_ignore_ascii_case("in") =>
            {
                InList::AfterIn
            }
            (InList::AfterIn, Kind::Punct(b'(')) => {
                self.copy_to(token.end);
                match self.cut {
                    true => InList::Outside,
                    false => InList::Values(self.out.len(), 0, false),
                }
            }
            (&InList::Values(start, values, false), _) if is_value => {
                InList::Values(start, values + 1, true)
            }
            (&InList::Values(start, values, true), Kind::Punct(b',')) => {
                InList::Values(start, values, false)
            }
            (&InList::Values(start, 2.., true), Kind::Punct(b')')) => {
                self.out.truncate(start);
                self.cut = false;
                self.push("?");
                self.copied = token.start;
                InList::Outside
            }
            _ => InList::Outside,
        };
    }

    fn copy_to(&mut self, end: usize) {
        let sql = self.sql;
        self.push(sql.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }

    fn push(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let room = self.limit.saturating_sub(self.out.len());
        let fits = text
            .get(..text.floor_char_boundary(room))
            .unwrap_or_default();
        self.cut = fits.len() < text.len();
        self.out.push_str(fits);
    }

    /// Whether nothing that comes after this place can be seen. A list of values may still shrink.
    fn is_full(&self, at: usize) -> bool {
        let pending = at.saturating_sub(self.copied);
        !matches!(self.list, InList::Values(..))
            && (self.cut || self.out.len() + pending > self.limit)
    }

    fn finish(mut self) -> String {
        self.copy_to(self.sql.len());
        self.out
    }
}
