//! What must hold for every text, however hostile.

use std::cell::Cell;

use proptest::prelude::*;

use super::{Dialect, analyze, summarize};

thread_local! {
    /// Bytes the last tokenizer of this thread looked at.
    pub(super) static WORK: Cell<usize> = const { Cell::new(0) };
}

const PIECES: &[&str] = &[
    "SELECT", "select", "FROM", "WHERE", "IN", "WITH", "AS", "INSERT", "INTO", "UPDATE", "SET",
    "DELETE", "USING", "MERGE", "ON", "JOIN", "CREATE", "TABLE", "OR", "REPLACE", "VIEW", "IF",
    "NOT", "EXISTS", "VALUES", "UNION", "EXPLAIN", "PRAGMA", "BEGIN", "DO", "FOR", "CALL", "ONLY",
    "LATERAL", "DISTINCT", "TRUE", "NULL", "a", "b", "t1", "x", "e", "q", "n", "u", "_utf8", "é",
    "'", "''", "\"", "`", "[", "]", "(", ")", "{", "}", ",", ".", "..", ";", ":", "::", "@", "@@",
    "$", "$$", "$a$", "?", "??", "#", "--", "-", "+", "/", "*", "/*", "*/", "/*!", "/*!50003",
    "\\", "&", "=", "<", "!", " ", "  ", "\n", "\r", "\t", "\0", "1", "12", "123456", ".5", "1e",
    "0x", "_", "M", "'a'", "\"a\"", "`a`", "[a]", "/*c*/", "-- c\n", "# c\n", "E'", "U&'", "U&\"",
    "q'[", "key", "ATTACH", "VACUUM",
];

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(
        &[
            Dialect::Sqlite,
            Dialect::PostgreSql,
            Dialect::MySql,
            Dialect::Other,
        ][..],
    )
}

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(PIECES), any::<bool>()), 0..40).prop_map(|parts| {
        let blank = |spaced| if spaced { " " } else { "" };
        parts
            .into_iter()
            .map(|(part, spaced)| format!("{part}{}", blank(spaced)))
            .collect()
    })
}

/// A literal or comment as the dialect writes it; its own end mark is taken out of the secret.
fn literal(dialect: Dialect, form: usize, secret: &str) -> String {
    let backslashed = secret.replace('\\', "\\\\");
    let plain = match dialect {
        Dialect::MySql => format!("'{}'", backslashed.replace('\'', "\\'")),
        Dialect::Other | Dialect::Sqlite | Dialect::PostgreSql => {
            format!("'{}'", secret.replace('\'', "''"))
        }
    };
    match (dialect, form) {
        (Dialect::MySql, 1) => format!("\"{}\"", backslashed.replace('"', "\"\"")),
        (Dialect::MySql, 2) => format!("_utf8mb4 {plain}"),
        (Dialect::MySql, 3) => format!("/*! {plain} */"),
        // A string if there is no such column.
        (Dialect::Sqlite, 1) => format!("\"{}\"", secret.replace('"', "\"\"")),
        (Dialect::PostgreSql, 1) => format!("E'{}'", backslashed.replace('\'', "\\'")),
        (Dialect::PostgreSql, 2) => format!("$tag${}$tag$", secret.replace('$', "")),
        (Dialect::PostgreSql, 3) => format!("E'x'\n'{}'", backslashed.replace('\'', "\\'")),
        (Dialect::Other, 1) => format!("q'[{}]'", secret.replace(']', "")),
        (_, 4) => format!("N{plain}"),
        (_, 5) => format!("/* {} */", secret.replace('/', "")),
        (_, 6) => format!("-- {}\n", secret.replace(['\n', '\r'], "")),
        _ => plain,
    }
}

/// A comment for servers of some version, with anything but its own end in it.
fn version_comment() -> impl Strategy<Value = String> {
    let content = "[a-z '\"`#/*\\\\-]{0,8}".prop_map(|text| text.replace("*/", ""));
    let start = prop::sample::select(&["/*!99999", "/*!", "/*!50003 ", "/*M!", "/*M!100100 "][..]);
    (start, content).prop_map(|(start, content)| {
        let content = content.trim_end_matches('*');
        format!("{start} {content}*/ ")
    })
}

const TEMPLATES: &[(&str, &str)] = &[
    ("SELECT a, ", " FROM t WHERE b = 'it''s'"),
    ("SELECT * FROM ", ", u WHERE c IN (1, 2)"),
    ("INSERT INTO t VALUES (1, ", ", 2) ON CONFLICT DO NOTHING"),
    ("UPDATE t SET a = f(", ") WHERE b = -1"),
    ("CREATE TABLE ", " (a int)"),
    ("CALL p(", ")"),
    ("PRAGMA key = ", ";"),
    ("DELETE FROM t WHERE a = ", " AND b"),
    ("UPDATE t SET a = 1, b = ", ", c = 2"),
    ("WITH x AS (SELECT ", ") SELECT * FROM x"),
    ("SELECT ARRAY[1, ", "] FROM `t`"),
    ("SELECT a IN (1, ", ", 3)"),
    ("COPY t FROM ", " CSV"),
    ("SELECT '' , ", ""),
    ("", " SELECT 1"),
];

/// Everything that holds for any text at all.
fn check(sql: &str, dialect: Dialect) -> Result<(), TestCaseError> {
    let once = analyze(sql, dialect);
    let work = WORK.get();
    prop_assert!(
        work <= 8 * sql.len() + 16,
        "{work} steps for {} bytes",
        sql.len()
    );
    prop_assert!(once.text.len() <= sql.len());
    prop_assert!(once.summary.as_str().chars().count() <= 255);
    prop_assert_eq!(summarize(sql, dialect), once.summary.clone());
    let twice = analyze(&once.text, dialect);
    prop_assert_eq!(&twice.text, &once.text);
    prop_assert_eq!(&twice.summary, &once.summary);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sql_like_text_is_sanitised_once_and_for_all(sql in pieces(), dialect in dialect()) {
        check(&sql, dialect)?;
    }

    #[test]
    fn any_text_is_sanitised_once_and_for_all(sql in any::<String>(), dialect in dialect()) {
        check(&sql, dialect)?;
    }

    #[test]
    fn damaged_bytes_are_sanitised_once_and_for_all(bytes in any::<Vec<u8>>(), dialect in dialect()) {
        check(&String::from_utf8_lossy(&bytes), dialect)?;
    }

    #[test]
    fn a_planted_string_never_survives(
        before in "[a-z'\"`$\\\\ ,;()\\[\\]/*#-]{0,12}",
        after in "[a-z'\"`\\\\ ,;()\\[\\]/*#-]{0,12}",
        form in 0_usize..7,
        template in prop::sample::select(TEMPLATES),
        dialect in dialect(),
    ) {
        // There it can only be the name of a table.
        let is_name = template.0.ends_with("FROM ") || template.0.ends_with("TABLE ");
        let form = if is_name && dialect == Dialect::Sqlite && form == 1 { 0 } else { form };
        let secret = format!("{before}SECRET{after}");
        let sql = format!("{}{}{}", template.0, literal(dialect, form, &secret), template.1);
        let found = analyze(&sql, dialect);
        prop_assert!(!found.text.contains("SECRET"), "{} -> {}", sql, found.text);
        prop_assert!(!found.summary.as_str().contains("SECRET"), "{} -> {:?}", sql, found.summary);
        check(&sql, dialect)?;
    }

    /// A server that is too old for a version comment skips it. Its strings are then other ones than a newer server's.
    #[test]
    fn a_string_of_a_server_that_skips_version_comments_never_survives(
        before in version_comment(),
        between in "[a-z ,(]{0,6}",
        after in version_comment(),
    ) {
        let sql = format!("SELECT {before}{between}'SECRET'{after}");
        let found = analyze(&sql, Dialect::MySql);
        prop_assert!(!found.text.contains("SECRET"), "{} -> {}", sql, found.text);
        prop_assert!(!found.summary.as_str().contains("SECRET"), "{} -> {:?}", sql, found.summary);
        check(&sql, Dialect::MySql)?;
    }

    #[test]
    fn a_bare_word_that_is_set_never_survives(
        start in prop::sample::select(&[
            "SET app.token", "SET LOCAL app.token", "set session app.token", "SET GLOBAL a = 1, b", "SET a = on, b",
            "SELECT 1; SET x", "ALTER ROLE r SET app.token", "ALTER SYSTEM SET app.token", "ALTER DATABASE d SET app.token",
            "/* c */ SET \n app . token",
        ][..]),
        assign in prop::sample::select(&["=", " = ", " TO ", " to\n", "=/*c*/"][..]),
        word in "SECRET[a-z0-9_]{0,5}",
        after in prop::sample::select(&["", ";", "; SELECT 1", " -- c"][..]),
        dialect in dialect(),
    ) {
        let sql = format!("{start}{assign}{word}{after}");
        let found = analyze(&sql, dialect);
        prop_assert!(!found.text.contains("SECRET"), "{} -> {}", sql, found.text);
        prop_assert!(!found.summary.as_str().contains("SECRET"), "{} -> {:?}", sql, found.summary);
        check(&sql, dialect)?;
    }

    #[test]
    fn a_planted_number_never_survives(
        number in "[-+]?(98765[0-9]{1,20}|9876(\\.[0-9]{1,5})?(e[-+]?[0-9]{1,3})?|0x98[0-9a-f]{1,9}|\\.98[0-9_]{1,9})",
        template in prop::sample::select(TEMPLATES),
        dialect in dialect(),
    ) {
        let sql = format!("{}{number}{}", template.0, template.1);
        let found = analyze(&sql, dialect);
        prop_assert!(!found.text.contains("98"), "{} -> {}", sql, found.text);
        prop_assert!(!found.summary.as_str().contains("98"), "{} -> {:?}", sql, found.summary);
        check(&sql, dialect)?;
    }
}

#[test]
fn work_grows_with_the_length_of_hostile_text_and_no_faster() {
    const HOSTILE: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "'",
        "\"",
        "`",
        "/*",
        "*/",
        "/*!",
        "--",
        "#",
        "$",
        "$a$",
        "$a$b$",
        "$a",
        "?",
        "?1",
        ":",
        "@",
        ".",
        "a.",
        "-",
        "-1",
        "SELECT (",
        "FROM (",
        "FROM a,",
        "IN (1,",
        "IN(",
        "WITH a AS (",
        "WITH a AS (SELECT 1) SELECT 1 FROM a,",
        "q'[",
        "q'",
        "E'\\",
        "\\'",
        "''",
        "1",
        "a",
        "é",
        " ",
        "\n",
        ";",
        "[a ",
        "U&\"",
        "E'a' ",
        "x'",
        "/",
        "*",
        "SELECT a FROM b;",
    ];
    const BYTES: usize = 100_000;
    for dialect in [
        Dialect::Sqlite,
        Dialect::PostgreSql,
        Dialect::MySql,
        Dialect::Other,
    ] {
        for piece in HOSTILE {
            let work = |bytes: usize| {
                let sql = piece.repeat(bytes / piece.len());
                let found = analyze(&sql, dialect);
                assert!(found.text.len() <= sql.len());
                WORK.get()
            };
            let (once, twice) = (work(BYTES), work(2 * BYTES));
            assert!(
                twice <= 2 * once + 64,
                "{dialect:?} {piece:?}: {once} then {twice}"
            );
            assert!(once <= 8 * BYTES, "{dialect:?} {piece:?}: {once}");
        }
    }
}
