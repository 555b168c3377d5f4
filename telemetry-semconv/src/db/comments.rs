//! Where comments begin and end.

use super::{
    dialect::Dialect,
    lexer::{Kind, Lexer},
};

impl Lexer<'_> {
    /// MySQL wants a blank after `--`, so that `5--1` is arithmetic.
    pub(super) fn dashes_start_comment(&self, start: usize) -> bool {
        self.dialect != Dialect::MySql || self.byte(start + 2) <= b' '
    }

    pub(super) fn line_end(&mut self, from: usize) -> usize {
        let return_ends = matches!(self.dialect, Dialect::PostgreSql | Dialect::Other);
        self.skip(from, |byte| {
            byte != b'\n' && !(return_ends && byte == b'\r')
        })
    }

    pub(super) fn block_comment(&mut self, start: usize) -> (Kind, usize) {
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
}
