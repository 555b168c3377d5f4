//! Splits SQL into byte spans: one pass, no allocation, never fails.
//!
//! The rule for doubt is that a thing is a literal. Where two readings of a text differ in where
//! a literal ends, the literal runs to the end of the text.

use super::bytes::{continues_word, is_plain_name, is_space};
use super::dialect::Dialect;

/// What a span of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// Unquoted identifier or keyword.
    Word,
    /// Quoted identifier, quotes included.
    Quoted,
    /// `"name"` in SQLite, which takes it as a string if there is no such column.
    Doubtful,
    /// To be masked.
    Literal,
    /// `?`, `?1`, `$1`, `:name`, `@name`.
    Placeholder,
    Punct(u8),
}

/// A span of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: &'a str,
}

/// Placeholder numbers beyond this many digits exceed every database's limit: those are literals.
const PLACEHOLDER_DIGITS: usize = 5;

pub(super) struct Lexer<'a> {
    sql: &'a str,
    dialect: Dialect,
    at: usize,
    /// Kind of the token that ends exactly where the next one starts.
    previous: Kind,
    /// PostgreSQL: `E'..'` was last, and a string that continues it has the same escapes.
    escapes_continue: bool,
    /// MySQL: inside `/*! .. */`, whose content the server executes.
    executable_comment: bool,
    /// `[` was punctuation, and no `]` followed.
    in_brackets: bool,
    #[cfg(test)]
    pub(super) work: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        Self {
            sql,
            dialect,
            at: 0,
            previous: Kind::Space,
            escapes_continue: false,
            executable_comment: false,
            in_brackets: false,
            #[cfg(test)]
            work: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        let byte = *self.sql.as_bytes().get(start)?;
        let (mut kind, end) = self.scan(start, byte);
        // A comment leaves no trace, and here its absence would let the text around it be read
        // anew: `[a /**/ b]` as a name, MySQL's `--/**/ b` as a comment.
        let reread = match self.dialect {
            Dialect::Other => self.in_brackets,
            Dialect::MySql => self.previous == Kind::Punct(b'-'),
            Dialect::Sqlite | Dialect::PostgreSql => false,
        };
        if kind == Kind::Comment && reread {
            kind = Kind::Literal;
        }
        match kind {
            Kind::Punct(b'[') => self.in_brackets = true,
            Kind::Punct(b']') => self.in_brackets = false,
            _ => {}
        }
        if !matches!(kind, Kind::Space | Kind::Comment | Kind::Literal) {
            self.escapes_continue = false;
        }
        self.previous = kind;
        self.at = end;
        let text = self.sql.get(start..end).unwrap_or_default();
        Some(Token {
            kind,
            start,
            end,
            text,
        })
    }

    fn scan(&mut self, start: usize, byte: u8) -> (Kind, usize) {
        let next = self.byte(start + 1);
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                (Kind::Space, self.skip(start + 1, is_space))
            }
            b'\'' => {
                let escapes = self.dialect == Dialect::MySql || self.escapes_continue;
                self.string(start + 1, byte, escapes)
            }
            b'"' if self.dialect == Dialect::MySql => self.string(start + 1, byte, true),
            b'"' => match self.name(start + 1, byte) {
                (Kind::Quoted, end) if self.dialect == Dialect::Sqlite && !self.qualifies(end) => {
                    (Kind::Doubtful, end)
                }
                named => named,
            },
            // PostgreSQL has no such quote; pairing them up there could hide a string's start.
            b'`' if self.dialect != Dialect::PostgreSql => self.name(start + 1, byte),
            b'[' => self.bracket(start),
            b'-' if next == b'-' && self.dashes_start_comment(start) => {
                (Kind::Comment, self.line_end(start + 2))
            }
            b'#' if self.dialect == Dialect::MySql => (Kind::Comment, self.line_end(start + 1)),
            b'/' if next == b'*' => self.block_comment(start),
            b'*' if next == b'/' && self.executable_comment => {
                self.executable_comment = false;
                (Kind::Comment, start + 2)
            }
            // The official cases count a sign as part of the number, even in `99+100`; next to a
            // name it can only be an operator.
            b'+' | b'-' if self.number_at(start + 1) && !self.after_name() => {
                (Kind::Literal, self.number_end(start + 1))
            }
            b'0'..=b'9' => (Kind::Literal, self.number_end(start)),
            b'.' if next.is_ascii_digit()
                && !self.after_name()
                && self.previous != Kind::Literal =>
            {
                (Kind::Literal, self.number_end(start))
            }
            b'?' => (Kind::Placeholder, self.numbered(start).unwrap_or(start + 1)),
            b'$' if self.dialect != Dialect::MySql => self.dollar(start),
            b':' if next == b':' => (Kind::Punct(byte), start + 2),
            b':' => self.named(start, start + 1),
            b'@' if next == b'@' => self.named(start, start + 2),
            b'@' => self.named(start, start + 1),
            _ if self.starts_word(byte) => self.word(start),
            _ => (Kind::Punct(byte), start + 1),
        }
    }

    /// A string whose content starts at `from`; without an end, or without a certain one, the rest.
    fn string(&mut self, from: usize, quote: u8, escapes: bool) -> (Kind, usize) {
        (
            Kind::Literal,
            self.quoted_end(from, quote, escapes)
                .unwrap_or(self.sql.len()),
        )
    }

    fn name(&mut self, from: usize, quote: u8) -> (Kind, usize) {
        match self.quoted_end(from, quote, false) {
            Some(end) => (Kind::Quoted, end),
            None => (Kind::Literal, self.sql.len()),
        }
    }

    /// Whether a dot and another name follow, so that the one before can be nothing but a name. A mask in the place of
    /// the other changes nothing.
    fn qualifies(&self, end: usize) -> bool {
        let next = self.byte(end + 1);
        let is_name = matches!(next, b'"' | b'\'' | b'`' | b'[' | b'*' | b'?');
        self.byte(end) == b'.' && (is_name || self.starts_word(next))
    }

    fn quoted_end(&mut self, from: usize, quote: u8, escapes: bool) -> Option<usize> {
        let mut at = from;
        let end = loop {
            let Some(&byte) = self.sql.as_bytes().get(at) else {
                break None;
            };
            at += match byte {
                b'\\' if escapes => 2,
                // An unknown database may or may not take this as an escape.
                b'\\' if self.dialect == Dialect::Other => match self.byte(at + 1) {
                    next if next == quote => break None,
                    b'\\' => 2,
                    _ => 1,
                },
                _ if byte != quote => 1,
                _ if self.byte(at + 1) == quote => 2,
                _ => break Some(at + 1),
            };
        };
        self.charge(at - from);
        end
    }

    /// `[name]`, where the dialect has it and the content can be nothing but a name. SQLite takes
    /// any content for a name, and what is not plain is masked; elsewhere it may be an array.
    fn bracket(&mut self, start: usize) -> (Kind, usize) {
        if matches!(self.dialect, Dialect::PostgreSql | Dialect::MySql) {
            return (Kind::Punct(b'['), start + 1);
        }
        let end = self.skip(start + 1, |byte| byte == b' ' || continues_word(byte));
        let name = self.sql.as_bytes().get(start + 1..end).unwrap_or_default();
        if self.byte(end) == b']' && is_plain_name(name) {
            return (Kind::Quoted, end + 1);
        }
        if self.dialect == Dialect::Other {
            return (Kind::Punct(b'['), start + 1);
        }
        let close = self.skip(end, |byte| byte != b']');
        let rest = self.sql.get(end..close).unwrap_or_default();
        // These could as well start a string or a comment, and then the end is elsewhere.
        let certain =
            !rest.contains(['\'', '"', '`']) && !rest.contains("/*") && !rest.contains("--");
        (
            Kind::Literal,
            if certain {
                self.sql.len().min(close + 1)
            } else {
                self.sql.len()
            },
        )
    }

    /// MySQL wants a blank after `--`, so that `5--1` is arithmetic.
    fn dashes_start_comment(&self, start: usize) -> bool {
        self.dialect != Dialect::MySql || self.byte(start + 2) <= b' '
    }

    fn line_end(&mut self, from: usize) -> usize {
        let return_ends = matches!(self.dialect, Dialect::PostgreSql | Dialect::Other);
        self.skip(from, |byte| {
            byte != b'\n' && !(return_ends && byte == b'\r')
        })
    }

    fn block_comment(&mut self, start: usize) -> (Kind, usize) {
        let mut at = start + 2;
        if self.dialect == Dialect::MySql {
            let bang = at + usize::from(self.byte(at) == b'M');
            if self.byte(bang) == b'!' {
                let content = bang + 1 + self.digits(bang + 1).min(6);
                if self.reads_differ(content) {
                    return (Kind::Literal, self.sql.len());
                }
                self.executable_comment = true;
                return (Kind::Comment, content);
            }
        }
        let mut depth = 1_usize;
        while at < self.sql.len() && depth > 0 {
            let step = match (self.byte(at), self.byte(at + 1)) {
                (b'*', b'/') => {
                    depth -= 1;
                    2
                }
                (b'/', b'*') if self.dialect == Dialect::PostgreSql => {
                    depth += 1;
                    2
                }
                // An unknown database may or may not nest comments.
                (b'/', b'*') if self.dialect == Dialect::Other => self.sql.len() - at,
                _ => 1,
            };
            at += step;
        }
        self.charge(at - start);
        (Kind::Comment, at.min(self.sql.len()))
    }

    /// MySQL: true if a server that runs the content of `/*! .. */` and one that is too old for it find other literals
    /// behind it. The content then has a quote or the start of a comment.
    fn reads_differ(&mut self, content: usize) -> bool {
        let rest = self.sql.as_bytes().get(content..).unwrap_or_default();
        let end = rest.windows(2).position(|pair| pair == b"*/");
        let length = end.unwrap_or(rest.len());
        let skipped = rest.get(..length).unwrap_or_default();
        let opens = |pair: &[u8]| matches!(pair, b"/*" | b"--");
        let differ =
            skipped.iter().any(|byte| b"'\"`#".contains(byte)) || skipped.windows(2).any(opens);
        self.charge(length);
        differ
    }

    /// Generous on purpose: whatever hangs on to a digit is masked with it.
    fn number_end(&mut self, start: usize) -> usize {
        let mut at = start;
        loop {
            let byte = self.byte(at);
            at += match byte {
                b'e' | b'E'
                    if matches!(self.byte(at + 1), b'+' | b'-')
                        && self.byte(at + 2).is_ascii_digit() =>
                {
                    3
                }
                b'.' | b'_' | 0x80.. => 1,
                _ if byte.is_ascii_alphanumeric() => 1,
                _ => break,
            };
        }
        self.charge(at - start);
        at
    }

    fn number_at(&self, at: usize) -> bool {
        match self.byte(at) {
            b'.' => self.byte(at + 1).is_ascii_digit(),
            byte => byte.is_ascii_digit(),
        }
    }

    fn after_name(&self) -> bool {
        matches!(
            self.previous,
            Kind::Word
                | Kind::Quoted
                | Kind::Doubtful
                | Kind::Placeholder
                | Kind::Punct(b')' | b']')
        )
    }

    /// `?1`, `$1`, `:1`, `@1`: the end, if it is a placeholder of this dialect and of sane size.
    fn numbered(&mut self, start: usize) -> Option<usize> {
        let allowed = match self.byte(start) {
            b'$' => true,
            b'?' => matches!(self.dialect, Dialect::Sqlite | Dialect::Other),
            _ => self.dialect == Dialect::Sqlite,
        };
        let digits = self.digits(start + 1);
        let end = start + 1 + digits;
        let fits = (1..=PLACEHOLDER_DIGITS).contains(&digits);
        let ends = !continues_word(self.byte(end)) && self.byte(end) != b'.';
        (allowed && fits && ends).then_some(end)
    }

    /// How many digits follow, counting at most one more than any caller accepts.
    fn digits(&mut self, from: usize) -> usize {
        (from..from + PLACEHOLDER_DIGITS + 2)
            .take_while(|&at| self.byte(at).is_ascii_digit())
            .count()
    }

    fn named(&mut self, start: usize, name: usize) -> (Kind, usize) {
        if self.starts_word(self.byte(name)) {
            return (Kind::Placeholder, self.word_end(name));
        }
        match self.numbered(start) {
            Some(end) => (Kind::Placeholder, end),
            None => (Kind::Punct(self.byte(start)), start + 1),
        }
    }

    fn dollar(&mut self, start: usize) -> (Kind, usize) {
        if self.byte(start + 1).is_ascii_digit() {
            return self.named(start, start + 1);
        }
        let tag = self.skip(start + 1, |byte| {
            byte == b'_' || byte >= 0x80 || byte.is_ascii_alphanumeric()
        });
        if self.byte(tag) == b'$' && self.dialect != Dialect::Sqlite {
            let quote = self.sql.get(start..=tag).unwrap_or_default();
            let rest = self.sql.get(tag + 1..).unwrap_or_default();
            let end = rest
                .find(quote)
                .map_or(self.sql.len(), |at| tag + 1 + at + quote.len());
            self.charge(end - start);
            return (Kind::Literal, end);
        }
        self.named(start, start + 1)
    }

    fn word(&mut self, start: usize) -> (Kind, usize) {
        let end = self.word_end(start);
        let word = self.sql.get(start..end).unwrap_or_default();
        let is = |text: &str| word.eq_ignore_ascii_case(text);
        match (self.byte(end), self.byte(end + 1)) {
            (b'\'', _) if word.len() == 1 && matches!(word, "e" | "E") => {
                let postgres = self.dialect == Dialect::PostgreSql;
                self.escapes_continue = postgres;
                self.string(end + 1, b'\'', postgres || self.dialect == Dialect::MySql)
            }
            (b'\'', _) if is("x") || is("b") || is("n") => {
                self.string(end + 1, b'\'', self.dialect == Dialect::MySql)
            }
            (b'\'', _) if self.dialect == Dialect::Other && (is("q") || is("nq")) => {
                (Kind::Literal, self.alternative_quote_end(end + 1))
            }
            (b'&', b'\'') if is("u") => self.string(end + 2, b'\'', self.dialect == Dialect::MySql),
            (b'&', b'"')
                if is("u") && matches!(self.dialect, Dialect::PostgreSql | Dialect::Other) =>
            {
                self.name(end + 2, b'"')
            }
            _ if is("true") || is("false") => (Kind::Literal, end),
            _ => (Kind::Word, end),
        }
    }

    /// Oracle's `q'[it's]'`, where any character may stand for the bracket.
    fn alternative_quote_end(&mut self, from: usize) -> usize {
        let mut rest = self.sql.get(from..).unwrap_or_default().chars();
        let close = match rest.next() {
            Some('[') => ']',
            Some('(') => ')',
            Some('{') => '}',
            Some('<') => '>',
            Some(other) => other,
            None => return self.sql.len(),
        };
        let content = self.sql.len() - rest.as_str().len();
        let mut buffer = [0; 4];
        let close: &str = close.encode_utf8(&mut buffer);
        let end = rest
            .as_str()
            .match_indices('\'')
            .map(|(at, _)| content + at)
            .find(|&quote| {
                self.sql
                    .get(content..quote)
                    .is_some_and(|text| text.ends_with(close))
            });
        let end = end.map_or(self.sql.len(), |quote| quote + 1);
        self.charge(end - from);
        end
    }

    fn word_end(&mut self, start: usize) -> usize {
        let hash = self.dialect == Dialect::Other;
        self.skip(start, |byte| continues_word(byte) || (hash && byte == b'#'))
    }

    fn starts_word(&self, byte: u8) -> bool {
        match byte {
            b'$' => self.dialect == Dialect::MySql,
            b'#' => self.dialect == Dialect::Other,
            _ => continues_word(byte) && !byte.is_ascii_digit(),
        }
    }

    fn skip(&mut self, from: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = self.sql.as_bytes().get(from..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&byte| !wanted(byte))
            .unwrap_or(rest.len());
        self.charge(length);
        from + length
    }

    /// The byte at a position; past the end NUL, which begins and ends nothing.
    fn byte(&self, at: usize) -> u8 {
        self.sql.as_bytes().get(at).copied().unwrap_or(0)
    }

    /// Counts bytes looked at, so that a test can tell linear work from quadratic.
    #[inline]
    fn charge(&mut self, _bytes: usize) {
        #[cfg(test)]
        {
            self.work += _bytes + 1;
        }
    }
}
