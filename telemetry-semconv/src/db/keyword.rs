//! The words that shape a summary. One word has one class; its meaning depends on the place.

/// Class of a word. Everything else is `Other`, for instance every name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Other,
    Select,
    With,
    Insert,
    Replace,
    Update,
    Delete,
    Merge,
    Truncate,
    Values,
    Explain,
    Begin,
    Pragma,
    Attach,
    Copy,
    Load,
    /// GRANT, REVOKE: their operands are operations, but nothing runs.
    Grant,
    /// CREATE, ALTER and others that name the kind of object first.
    Define,
    /// DROP and others, of which one statement takes several objects.
    DefineMany,
    /// Operations without a target worth reporting, such as COMMIT.
    Plain,
    /// Operations whose first operand is a name of low cardinality.
    Named,
    Vacuum,
    Analyze,
    Table,
    /// Kinds of object other than TABLE.
    Object,
    /// USER and ROLE: their names are data.
    Account,
    /// Words between a definition's verb and the kind of object.
    Modifier,
    If,
    Not,
    Exists,
    Or,
    Ignore,
    Only,
    Lateral,
    Recursive,
    Materialized,
    Concurrently,
    From,
    Into,
    Join,
    Using,
    On,
    As,
    For,
    Set,
    Scope,
    Distinct,
    Immediate,
    /// Words after which a comma no longer parts tables.
    ClauseEnd,
}

/// Longest word listed below.
const LONGEST: usize = 13;

/// Looks a word up, in any letter case.
pub(super) fn classify(word: &str) -> Keyword {
    use Keyword as K;
    let mut buffer = [0_u8; LONGEST];
    let Some(upper) = buffer.get_mut(..word.len()) else {
        return K::Other;
    };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    match operation(upper) {
        K::Other => other(upper),
        operation => operation,
    }
}

/// Words that begin an operation.
fn operation(upper: &[u8]) -> Keyword {
    use Keyword as K;
    match upper {
        b"SELECT" => K::Select,
        b"WITH" => K::With,
        b"INSERT" | b"UPSERT" => K::Insert,
        b"REPLACE" => K::Replace,
        b"UPDATE" => K::Update,
        b"DELETE" => K::Delete,
        b"MERGE" => K::Merge,
        b"TRUNCATE" => K::Truncate,
        b"VALUES" => K::Values,
        b"EXPLAIN" => K::Explain,
        b"BEGIN" => K::Begin,
        b"PRAGMA" => K::Pragma,
        b"ATTACH" => K::Attach,
        b"COPY" => K::Copy,
        b"LOAD" => K::Load,
        b"GRANT" | b"REVOKE" => K::Grant,
        b"CREATE" | b"ALTER" | b"REINDEX" | b"REFRESH" | b"RENAME" | b"COMMENT" | b"OPTIMIZE"
        | b"CHECK" | b"REPAIR" => K::Define,
        b"DROP" | b"LOCK" => K::DefineMany,
        b"COMMIT" | b"ROLLBACK" | b"SAVEPOINT" | b"RELEASE" | b"START" | b"END" | b"ABORT"
        | b"LISTEN" | b"UNLISTEN" | b"NOTIFY" | b"DETACH" | b"CHECKPOINT" | b"DISCARD"
        | b"DEALLOCATE" | b"DECLARE" | b"FETCH" | b"CLOSE" | b"MOVE" | b"PREPARE" | b"DO"
        | b"KILL" | b"FLUSH" | b"UNLOCK" | b"HANDLER" | b"CLUSTER" => K::Plain,
        b"CALL" | b"EXEC" | b"EXECUTE" | b"USE" | b"SHOW" | b"RESET" | b"DESCRIBE" | b"DESC" => {
            K::Named
        }
        b"VACUUM" => K::Vacuum,
        b"ANALYZE" | b"ANALYSE" => K::Analyze,
        _ => K::Other,
    }
}

/// Words that follow an operation.
fn other(upper: &[u8]) -> Keyword {
    use Keyword as K;
    match upper {
        b"TABLE" | b"TABLES" => K::Table,
        b"INDEX" | b"VIEW" | b"SCHEMA" | b"DATABASE" | b"SEQUENCE" | b"TYPE" | b"FUNCTION"
        | b"PROCEDURE" | b"TRIGGER" | b"EXTENSION" | b"DOMAIN" | b"POLICY" | b"RULE"
        | b"PUBLICATION" | b"SUBSCRIPTION" | b"SERVER" | b"COLLATION" | b"AGGREGATE" | b"EVENT"
        | b"TABLESPACE" | b"SYNONYM" | b"COLUMN" | b"PACKAGE" => K::Object,
        b"USER" | b"ROLE" | b"LOGIN" => K::Account,
        b"TEMP" | b"TEMPORARY" | b"UNIQUE" | b"UNLOGGED" | b"VIRTUAL" | b"FULLTEXT"
        | b"SPATIAL" | b"CLUSTERED" | b"NONCLUSTERED" | b"FOREIGN" | b"EXTERNAL"
        | b"CONSTRAINT" => K::Modifier,
        b"IF" => K::If,
        b"NOT" => K::Not,
        b"EXISTS" => K::Exists,
        b"OR" => K::Or,
        b"IGNORE" | b"FAIL" | b"LOW_PRIORITY" | b"HIGH_PRIORITY" | b"DELAYED" | b"QUICK"
        | b"OVERWRITE" => K::Ignore,
        b"ONLY" => K::Only,
        b"LATERAL" => K::Lateral,
        b"RECURSIVE" => K::Recursive,
        b"MATERIALIZED" => K::Materialized,
        b"CONCURRENTLY" => K::Concurrently,
        b"FROM" => K::From,
        b"INTO" => K::Into,
        b"JOIN" | b"STRAIGHT_JOIN" | b"APPLY" => K::Join,
        b"USING" => K::Using,
        b"ON" => K::On,
        b"AS" => K::As,
        b"FOR" | b"BEFORE" | b"AFTER" => K::For,
        b"SET" => K::Set,
        b"LOCAL" | b"SESSION" | b"GLOBAL" | b"PERSIST" | b"FULL" | b"FREEZE" | b"VERBOSE" => {
            K::Scope
        }
        b"DISTINCT" => K::Distinct,
        b"IMMEDIATE" => K::Immediate,
        b"WHERE" | b"GROUP" | b"HAVING" | b"ORDER" | b"LIMIT" | b"OFFSET" | b"WINDOW"
        | b"QUALIFY" | b"RETURNING" | b"UNION" | b"EXCEPT" | b"INTERSECT" | b"MINUS" => {
            K::ClauseEnd
        }
        _ => K::Other,
    }
}
