//! Finds the operations of a text and their targets.
//!
//! Not a parser: a small state for each open parenthesis, enough to tell a table from a column.
//! It sees literals and `?` alike, so masking a text first makes no difference.

use super::dialect::Dialect;
use super::frame::{Assignment, Does, Expect, Frame, Last};
use super::keyword::{Keyword, classify};
use super::lexer::Kind;
use super::summary::{Summary, Writer, unquoted};

/// Parentheses deeper than this add nothing to a summary.
const MAX_DEPTH: usize = 64;

/// Builds a summary from the tokens of a text, blanks and comments left out.
pub(super) struct Summarizer<'a> {
    out: Writer<'a>,
    frame: Frame,
    outer: Vec<Frame>,
    /// Open parentheses beyond the deepest frame.
    too_deep: usize,
    /// WITH, reported once a name follows: `WITH (NOLOCK)` is not an operation.
    with: Option<&'a str>,
    /// The key of an encrypted database comes next: SQLite takes it as a bare word, too.
    key: bool,
    assignment: Assignment,
    /// `SET a = b, c = d`: a name follows the comma. Elsewhere it is another value.
    comma_parts_assignments: bool,
    last: Last,
}

impl<'a> Summarizer<'a> {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            out: Writer::default(),
            frame: Frame::STATEMENT,
            outer: Vec::new(),
            too_deep: 0,
            with: None,
            key: false,
            assignment: Assignment::Nothing,
            comma_parts_assignments: dialect == Dialect::MySql,
            last: Last::Other,
        }
    }

    /// Whether nothing can be added any more.
    pub(super) fn is_full(&self) -> bool {
        self.out.is_full()
    }

    pub(super) fn finish(self) -> Summary {
        self.out.finish()
    }

    /// Takes the next token. True: what looks like a name is a value and must be masked.
    pub(super) fn feed(&mut self, kind: Kind, text: &'a str) -> bool {
        if self.key && !matches!(kind, Kind::Punct(_)) {
            return self.masked();
        }
        if self.assigns(kind, text) {
            return self.masked();
        }
        self.last = match kind {
            Kind::Punct(byte) => {
                self.punct(byte);
                match byte {
                    b'.' => Last::Dot,
                    b')' => Last::Close,
                    b'{' => Last::Brace,
                    _ => Last::Other,
                }
            }
            Kind::Word => {
                let word = classify(text);
                if self.out.continue_target(text) {
                    self.expect_key(text);
                } else if self.too_deep == 0 {
                    self.word(word, text);
                }
                Last::Word(word)
            }
            Kind::Quoted | Kind::Doubtful => {
                if self.out.continue_target(text) {
                    self.expect_key(text);
                } else if self.is_value(kind) {
                    return self.masked();
                } else if self.too_deep == 0 {
                    self.quoted(text);
                }
                Last::Other
            }
            _ => {
                self.value();
                Last::Other
            }
        };
        false
    }

    /// Follows the assignments of SET. True: the token is an unquoted value.
    fn assigns(&mut self, kind: Kind, text: &str) -> bool {
        use Assignment as A;
        if !self.outer.is_empty() || self.too_deep > 0 {
            return false;
        }
        let is = |word: &str| kind == Kind::Word && text.eq_ignore_ascii_case(word);
        // ALTER ROLE and others set one list of values, and other clauses follow.
        let sets_one = self.frame.does == Does::Define;
        let begins = sets_one || (self.frame.does == Does::Nothing && self.frame.at_start);
        self.assignment = match (self.assignment, kind) {
            (_, Kind::Punct(b';')) => A::Nothing,
            (A::Nothing, _) if begins && is("set") => A::Name,
            (A::Nothing, _) => A::Nothing,
            (A::Name | A::End, Kind::Punct(b'=')) => A::Value,
            (A::Name, _) if is("to") => A::Value,
            (A::End, Kind::Punct(b',')) if self.comma_parts_assignments => A::Name,
            (A::End, Kind::Punct(b',')) => A::Value,
            (A::End, _) if sets_one => A::Nothing,
            (A::Value | A::End, Kind::Punct(b'(')) => A::Nothing,
            (A::Value | A::End, Kind::Word | Kind::Quoted | Kind::Doubtful) => {
                self.assignment = A::End;
                return !["default", "on", "off"].into_iter().any(is);
            }
            (A::Value, Kind::Literal | Kind::Placeholder) => A::End,
            (state, _) => state,
        };
        false
    }

    fn frame_of_statement(&self) -> &Frame {
        self.outer.first().unwrap_or(&self.frame)
    }

    /// Whether a quoted token is a value here.
    fn is_value(&self, kind: Kind) -> bool {
        let expects_name = matches!(self.frame.expect, Expect::Name | Expect::ExpressionName)
            && self.too_deep == 0;
        // SQLCipher takes its key as `PRAGMA key = "secret"`.
        if self.frame_of_statement().does == Does::Pragma {
            return !expects_name;
        }
        let is_file = self.frame.does == Does::Vacuum && self.last == Last::Word(Keyword::Into);
        let is_name = self.frame.columns
            || matches!(self.last, Last::Dot | Last::Word(Keyword::As))
            || (expects_name && !is_file);
        kind == Kind::Doubtful && !is_name
    }

    /// A value that looks like a name.
    fn masked(&mut self) -> bool {
        self.value();
        self.last = Last::Other;
        true
    }

    /// Notes whether the pragma of this name takes a key: `key`, `rekey`, `hexkey` and the like.
    fn expect_key(&mut self, name: &str) {
        let name = unquoted(name).as_bytes();
        let end = name.len().saturating_sub(3);
        self.key = self.frame.does == Does::Pragma
            && name
                .get(end..)
                .is_some_and(|end| end.eq_ignore_ascii_case(b"key"));
    }

    fn value(&mut self) {
        self.out.end_target();
        self.frame.expect = Expect::Nothing;
        // ODBC: `{? = call name(?)}`.
        if self.last != Last::Brace {
            self.leave_start();
        }
    }

    fn quoted(&mut self, text: &'a str) {
        match self.frame.expect {
            Expect::Name => self.begin_target(text),
            Expect::ExpressionName => self.expression_name(text),
            Expect::Nothing | Expect::ObjectKind => self.frame.expect = Expect::Nothing,
        }
        self.leave_start();
    }

    fn punct(&mut self, byte: u8) {
        if byte == b'.' && self.out.dot() {
            return;
        }
        let after_target = self.out.end_target();
        match byte {
            b';' => {
                self.key = false;
                self.frame = Frame::STATEMENT;
                self.outer.clear();
                self.too_deep = 0;
                self.out.forget_expressions();
                self.with = None;
            }
            b'(' | b'[' => self.open(byte == b'(', after_target),
            b')' | b']' => self.close(),
            _ if self.too_deep > 0 => {}
            b',' if self.frame.in_with => self.frame.expect = Expect::ExpressionName,
            b',' if self.frame.lists => self.frame.expect = Expect::Name,
            b'{' | b'=' if self.frame.at_start => {}
            _ => {
                self.frame.expect = Expect::Nothing;
                self.leave_start();
            }
        }
    }

    fn open(&mut self, round: bool, after_target: bool) {
        if self.too_deep > 0 || self.outer.len() >= MAX_DEPTH {
            self.too_deep += 1;
            return;
        }
        let frame = &mut self.frame;
        let tables = round && frame.expect == Expect::Name && frame.does.joins();
        let body =
            frame.in_with && matches!(self.last, Last::Word(Keyword::As | Keyword::Materialized));
        let opens = frame.at_start && frame.does == Does::Nothing;
        let inner = Frame {
            does: if tables { Does::Tables } else { Does::Nothing },
            expect: if tables {
                Expect::Name
            } else {
                Expect::Nothing
            },
            any_operation: body || (round && opens && frame.any_operation),
            lists: tables,
            columns: round && after_target && frame.does == Does::Insert,
            ..Frame::STATEMENT
        };
        if frame.does != Does::Vacuum {
            frame.expect = Expect::Nothing;
        }
        self.leave_start();
        self.outer.push(self.frame);
        self.frame = inner;
    }

    fn close(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if let Some(frame) = self.outer.pop() {
            self.frame = frame;
        }
    }

    fn leave_start(&mut self) {
        // EXPLAIN has options before the statement it explains.
        if self.frame.does != Does::Explain {
            self.frame.at_start = false;
        }
    }

    fn word(&mut self, word: Keyword, text: &'a str) {
        if self.last == Last::Dot {
            return self.leave_start();
        }
        let starts_query = matches!(word, Keyword::Select)
            || (self.frame.at_start && matches!(word, Keyword::With | Keyword::Values));
        match self.frame.expect {
            Expect::Name if self.frame.does.skips(word, self.last) => return,
            Expect::Name if !starts_query => {
                self.leave_start();
                return self.begin_target(text);
            }
            Expect::ExpressionName if word == Keyword::Recursive => return,
            Expect::ExpressionName => return self.expression_name(text),
            Expect::ObjectKind => return self.object_kind(word, text),
            Expect::Name => {
                self.frame.expect = Expect::Nothing;
                self.frame.lists = false;
            }
            Expect::Nothing => {}
        }
        match self.frame.does {
            Does::Grant => return,
            Does::Attach => self.key = text.eq_ignore_ascii_case("key"),
            _ => {}
        }
        let may_operate = self.frame.any_operation
            && (self.frame.at_start || (self.frame.in_with && self.last == Last::Close));
        if may_operate && self.operation(word, text) {
            return;
        }
        self.clause(word, text);
    }

    /// A word in the place of an operation. False: it is none.
    fn operation(&mut self, word: Keyword, text: &'a str) -> bool {
        use Keyword as K;
        let (does, expect, lists) = match word {
            K::Insert | K::Replace => (Does::Insert, Expect::Name, false),
            K::Update => (Does::Update, Expect::Name, true),
            K::Delete => (Does::Delete, Expect::Nothing, false),
            K::Merge => (Does::Merge, Expect::Name, false),
            K::Truncate => (Does::Define, Expect::Name, true),
            K::Define => (Does::Define, Expect::ObjectKind, false),
            K::DefineMany => (Does::Define, Expect::ObjectKind, true),
            K::Pragma => (Does::Pragma, Expect::Name, false),
            K::Named => (Does::Named, Expect::Name, false),
            K::Set => (Does::Set, Expect::Name, false),
            K::Copy => (Does::Other, Expect::Name, false),
            K::Table => (Does::Other, Expect::Name, false),
            K::Load => (Does::Load, Expect::Nothing, false),
            K::Grant => (Does::Grant, Expect::Nothing, false),
            K::Analyze if self.frame.does == Does::Explain => return true,
            K::Vacuum | K::Analyze => (Does::Vacuum, Expect::Name, false),
            K::Values if self.outer.is_empty() => (Does::Other, Expect::Nothing, false),
            K::Explain => (Does::Explain, Expect::Nothing, false),
            K::Attach => (Does::Attach, Expect::Nothing, false),
            // The end of a block is no operation of its own.
            K::Plain if text.eq_ignore_ascii_case("end") && !self.out.is_empty() => return true,
            K::Begin | K::Plain => (Does::Other, Expect::Nothing, false),
            _ => return false,
        };
        self.main_operation(matches!(
            word,
            K::Insert | K::Replace | K::Update | K::Delete | K::Merge
        ));
        self.out.operation(text);
        self.frame = Frame {
            does,
            expect,
            lists,
            // `BEGIN UPDATE t SET ..` is one statement in some dialects.
            at_start: matches!(word, K::Explain | K::Begin),
            any_operation: self.frame.any_operation,
            ..Frame::STATEMENT
        };
        true
    }

    /// A word that opens or ends a clause, or starts a query inside the statement.
    fn clause(&mut self, word: Keyword, text: &'a str) {
        use Keyword as K;
        let does = self.frame.does;
        let start = self.frame.at_start;
        self.leave_start();
        match word {
            // `CREATE POLICY .. FOR SELECT`, `CREATE RULE .. AS ON SELECT`.
            K::Select
                if does == Does::Define && matches!(self.last, Last::Word(K::For | K::On)) => {}
            K::Select => {
                self.main_operation(false);
                self.out.operation(text);
                self.frame.does = Does::Select;
                self.frame.at_start = false;
                self.frame.lists = false;
                self.frame.in_with = false;
            }
            K::With if start || does == Does::Insert => {
                self.with = Some(text);
                self.frame.at_start = false;
                self.frame.expect = Expect::ExpressionName;
            }
            // `IS DISTINCT FROM` compares.
            K::From if self.last == Last::Word(K::Distinct) => {}
            K::From if matches!(does, Does::Select | Does::Update | Does::Delete) => {
                self.frame.expect = Expect::Name;
                self.frame.lists = true;
                self.frame.joined = false;
            }
            K::Join if does.joins() => {
                self.frame.expect = Expect::Name;
                self.frame.joined = true;
            }
            K::Using if does == Does::Merge || (does == Does::Delete && !self.frame.joined) => {
                self.frame.expect = Expect::Name;
                self.frame.lists = true;
            }
            K::Into if does == Does::Load => self.frame.expect = Expect::Name,
            // The statement a definition or a trigger holds.
            K::As | K::Begin if does == Does::Define => self.frame.at_start = true,
            // UPDATE as in FOR UPDATE and ON DUPLICATE KEY UPDATE.
            K::ClauseEnd | K::Set | K::Update | K::For | K::Values => self.frame.lists = false,
            K::On if does == Does::Merge => self.frame.lists = false,
            _ => {}
        }
    }

    fn object_kind(&mut self, word: Keyword, text: &'a str) {
        use Keyword as K;
        self.frame.expect = match word {
            K::Or
            | K::Replace
            | K::Modifier
            | K::Materialized
            | K::Recursive
            | K::Concurrently
            | K::Scope
            | K::On
            | K::Only => Expect::ObjectKind,
            K::Table | K::Object => {
                self.out.operation(text);
                Expect::Name
            }
            K::Account => {
                self.out.operation(text);
                Expect::Nothing
            }
            _ => Expect::Nothing,
        };
    }

    fn expression_name(&mut self, text: &'a str) {
        if let Some(with) = self.with.take() {
            self.out.operation(with);
        }
        self.out.remember_expression(text);
        self.frame.expect = Expect::Nothing;
        self.frame.in_with = true;
    }

    fn begin_target(&mut self, text: &'a str) {
        self.frame.expect = Expect::Nothing;
        self.expect_key(text);
        self.out.begin_target(text);
    }

    /// Notes whether an operation changes rows, if it is what the text does first.
    fn main_operation(&mut self, changes: bool) {
        if self.outer.is_empty() && self.too_deep == 0 {
            self.out.main_operation(changes);
        }
    }
}
