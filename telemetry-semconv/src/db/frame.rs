//! Where in a statement a token stands.

use super::keyword::Keyword;

/// What the statement of a frame does, as far as the meaning of later words depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Nothing,
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Define,
    /// Parenthesis in the place of a table: a subquery or a join.
    Tables,
    Explain,
    Pragma,
    Attach,
    Vacuum,
    Load,
    Named,
    /// SET of a setting or variable.
    Set,
    Grant,
    Other,
}

impl Does {
    /// Whether tables can be joined here.
    pub(super) fn joins(self) -> bool {
        matches!(
            self,
            Self::Select | Self::Update | Self::Delete | Self::Merge | Self::Tables
        )
    }

    /// Words that may stand between the operation and the name of its target.
    pub(super) fn skips(self, word: Keyword, last: Last) -> bool {
        use Keyword as K;
        match self {
            // After INTO even a keyword is a name.
            Self::Insert | Self::Merge | Self::Update if last == Last::Word(K::Into) => false,
            // SQLite's `INSERT OR ROLLBACK INTO`, Hive's `INSERT OVERWRITE TABLE`.
            Self::Insert | Self::Merge | Self::Update => match word {
                K::Into | K::Or | K::Ignore | K::Only => true,
                K::Replace | K::Plain => last == Last::Word(K::Or),
                K::Table => last == Last::Word(K::Ignore),
                _ => false,
            },
            Self::Select | Self::Delete | Self::Tables => matches!(word, K::Only | K::Lateral),
            Self::Define => matches!(
                word,
                K::If | K::Not | K::Exists | K::Concurrently | K::Only | K::On | K::Table
            ),
            Self::Vacuum => matches!(word, K::Scope | K::Analyze | K::Into | K::Table),
            Self::Load => word == K::Table,
            Self::Named | Self::Set => matches!(word, K::Scope | K::Immediate),
            _ => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Nothing,
    Name,
    ExpressionName,
    ObjectKind,
}

/// State of one open parenthesis; the outermost frame is the statement itself.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) does: Does,
    pub(super) expect: Expect,
    /// Nothing but openers so far: a word here may be an operation.
    pub(super) at_start: bool,
    /// Not only queries but any operation may start here.
    pub(super) any_operation: bool,
    /// A comma here parts targets.
    pub(super) lists: bool,
    /// Between WITH and the operation it belongs to.
    pub(super) in_with: bool,
    pub(super) joined: bool,
    /// The list of columns after the table of an INSERT.
    pub(super) columns: bool,
}

impl Frame {
    pub(super) const STATEMENT: Self = Self {
        does: Does::Nothing,
        expect: Expect::Nothing,
        at_start: true,
        any_operation: true,
        lists: false,
        in_with: false,
        joined: false,
        columns: false,
    };
}

/// The token before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Word(Keyword),
    Dot,
    Close,
    Brace,
    Other,
}

/// Where in `SET name = value` the text stands. An unquoted value looks like a name, and may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    Nothing,
    /// Before `=` or TO.
    Name,
    /// Before the value.
    Value,
    /// After the value.
    End,
}
