//! `db.query.summary` and its limits.

/// Most characters of a summary (semconv 1.44, `db.query.summary`).
const MAX_CHARS: usize = 255;
/// Names of common table expressions remembered for one statement.
const MAX_EXPRESSIONS: usize = 32;

/// Low-cardinality description of a query: `db.query.summary` (semconv 1.44).
///
/// At most 255 characters, never cut inside an operation or a target, empty if no operation was
/// recognised. Case and quotes are those of the query; it never holds a literal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Summary {
    text: String,
    operation: usize,
    changes_rows: bool,
}

impl Summary {
    /// The summary; empty if there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first operation as written, e.g. `SELECT` or `CREATE`.
    ///
    /// Not for `db.operation.name`, which should not be taken from a query text (semconv 1.44, SQL).
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.text
            .get(..self.operation)
            .filter(|text| !text.is_empty())
    }

    /// True if the first statement is one that changes rows: INSERT, UPDATE, DELETE, MERGE or the like, also behind
    /// WITH. Not if only a common table expression does.
    #[must_use]
    pub fn changes_rows(&self) -> bool {
        self.changes_rows
    }

    /// True if no operation was recognised.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The summary as an owned string.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

/// Puts a word before a summary and keeps the limit, dropping whole words at the end.
pub(super) fn prefixed(prefix: &str, summary: &str) -> String {
    let room = MAX_CHARS.saturating_sub(prefix.chars().count() + 1);
    let fits = match summary.char_indices().nth(room) {
        None => summary,
        // A quoted name may hold blanks, so only the part before its quote is surely whole.
        Some((limit, _)) => {
            let kept = summary.get(..limit).unwrap_or_default();
            let kept = kept
                .rfind(' ')
                .and_then(|blank| kept.get(..blank))
                .unwrap_or_default();
            let quote = kept.find(['"', '`', '[']).unwrap_or(kept.len());
            kept.get(..quote).unwrap_or_default().trim_end()
        }
    };
    if fits.is_empty() {
        prefix.to_owned()
    } else {
        format!("{prefix} {fits}")
    }
}

/// Writes a summary: operations and targets, in the order of the text.
#[derive(Default)]
pub(super) struct Writer<'a> {
    out: String,
    chars: usize,
    full: bool,
    /// Length of the first operation.
    operation: usize,
    /// True if the first statement changes rows; known once its own operation is.
    changes_rows: Option<bool>,
    /// Names of common table expressions, which are no targets.
    expressions: Vec<&'a str>,
    /// Being written, until the next token shows that it is complete.
    target: Option<Target<'a>>,
}

/// A target of one or more parts.
struct Target<'a> {
    /// Length of the output without it, in bytes and in characters.
    before: (usize, usize),
    first: &'a str,
    parts: usize,
    /// Dots since the last part.
    dots: usize,
    too_long: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn finish(mut self) -> Summary {
        self.end_target();
        Summary {
            text: self.out,
            operation: self.operation,
            changes_rows: self.changes_rows.unwrap_or_default(),
        }
    }

    pub(super) fn operation(&mut self, text: &str) {
        let space = if self.out.is_empty() { "" } else { " " };
        if !self.push(space, text) {
            self.full = true;
        } else if self.operation == 0 {
            self.operation = text.len();
        }
    }

    /// Notes the operation of the first statement; later ones change nothing about it.
    pub(super) fn main_operation(&mut self, changes_rows: bool) {
        // Words that have no room in a summary need not be read.
        if !self.full {
            self.changes_rows.get_or_insert(changes_rows);
        }
    }

    pub(super) fn begin_target(&mut self, text: &'a str) {
        let before = (self.out.len(), self.chars);
        let too_long = !self.push(" ", text);
        self.target = Some(Target {
            before,
            first: text,
            parts: 1,
            dots: 0,
            too_long,
        });
    }

    /// Notes a dot. False: there is no target it could belong to.
    pub(super) fn dot(&mut self) -> bool {
        self.target
            .as_mut()
            .map(|target| target.dots += 1)
            .is_some()
    }

    /// Adds the part after a dot. False: there is no target to continue.
    pub(super) fn continue_target(&mut self, text: &str) -> bool {
        match self.target.take() {
            Some(mut target) if target.dots > 0 => {
                // SQL Server leaves out the schema in `db..table`.
                let dots = if target.dots == 1 { "." } else { ".." };
                target.too_long = target.too_long || !self.push(dots, text);
                target.parts += 1;
                target.dots = 0;
                self.target = Some(target);
                true
            }
            target => {
                self.target = target;
                self.end_target();
                false
            }
        }
    }

    /// Keeps the target just written, unless it is too long or no target after all. Returns whether there was one.
    pub(super) fn end_target(&mut self) -> bool {
        let Some(target) = self.target.take() else {
            return false;
        };
        let is_expression = target.parts == 1 && {
            let first = unquoted(target.first);
            self.expressions
                .iter()
                .any(|known| known.eq_ignore_ascii_case(first))
        };
        if is_expression || target.too_long {
            self.out.truncate(target.before.0);
            self.chars = target.before.1;
            // Without this, a shorter name further on would appear in the place of this one.
            self.full = self.full || !is_expression;
        }
        true
    }

    pub(super) fn remember_expression(&mut self, name: &'a str) {
        if self.expressions.len() < MAX_EXPRESSIONS {
            self.expressions.push(unquoted(name));
        }
    }

    pub(super) fn forget_expressions(&mut self) {
        self.expressions.clear();
    }

    /// Appends if the limit allows.
    fn push(&mut self, separator: &str, text: &str) -> bool {
        // A character has at most four bytes, so that a huge name need not be counted.
        if self.full || text.len() > 4 * MAX_CHARS {
            return false;
        }
        let chars = self.chars + separator.len() + text.chars().count();
        if chars > MAX_CHARS {
            return false;
        }
        self.out.push_str(separator);
        self.out.push_str(text);
        self.chars = chars;
        true
    }
}

pub(super) fn unquoted(name: &str) -> &str {
    name.trim_matches(['"', '`', '[', ']'])
}
