mod literals;
mod summaries;

use super::*;
use Dialect::{MySql, Other, PostgreSql, Sqlite};

const DIALECTS: [Dialect; 4] = [Sqlite, PostgreSql, MySql, Other];

/// The convention's own cases: name, query, allowed texts, summary.
#[rustfmt::skip]
const OFFICIAL: &[(&str, &str, &[&str], &str)] = &[
    ("numeric_literal_integers", "SELECT 12, -12, +12", &["SELECT ?, ?, ?"], "SELECT"),
    ("numeric_literal_with_decimal_point", "SELECT 12.34, -12.34, +12.34, .01, -.01", &["SELECT ?, ?, ?, ?, ?"], "SELECT"),
    ("numeric_literal_exponential", "SELECT 12.34e56, -12.34e56, +12.34e56", &["SELECT ?, ?, ?"], "SELECT"),
    ("numeric_literal_negative_exponential", "SELECT 12.34e-56, -12.34e-56, +12.34e-56", &["SELECT ?, ?, ?"], "SELECT"),
    ("arithmetic_on_numeric_literals", "SELECT 99+100", &["SELECT ??"], "SELECT"),
    ("hex_literal", "SELECT 0xDEADBEEF, 0XdeadBEEF", &["SELECT ?, ?"], "SELECT"),
    ("string_literal", "SELECT 'hello'", &["SELECT ?"], "SELECT"),
    ("string_literal_escaped_single_quote", "SELECT 'My name''s not important'", &["SELECT ?"], "SELECT"),
    ("string_with_embedded_newline", "SELECT 'My name is \n not important'", &["SELECT ?"], "SELECT"),
    ("numbers_in_identifiers", "SELECT c3po, r2d2 FROM covid19 WHERE n1h1=1234", &["SELECT c3po, r2d2 FROM covid19 WHERE n1h1=?"], "SELECT covid19"),
    ("periods_in_identifiers", "SELECT a FROM dbo.Table JOIN dbo.AnotherTable", &["SELECT a FROM dbo.Table JOIN dbo.AnotherTable"], "SELECT dbo.Table dbo.AnotherTable"),
    ("insert_into", "INSERT INTO X VALUES(1, 23456, 123.456, 99+100)", &["INSERT INTO X VALUES(?, ?, ?, ??)"], "INSERT X"),
    ("uuid", "SELECT { guid '01234567-89ab-cdef-0123-456789abcdef' }", &["SELECT { guid ? }"], "SELECT"),
    ("in_clause", "SELECT * FROM table WHERE value IN (123, 456, 'abc')", &["SELECT * FROM table WHERE value IN (?)", "SELECT * FROM table WHERE value IN (?, ?, ?)"], "SELECT table"),
    ("comments", "SELECT column -- end of line comment\nFROM /* block \n comment */ table", &["SELECT column \nFROM  table"], "SELECT table"),
    ("insert_into_select", "INSERT INTO shipping_details\n(order_id,\naddress)\nSELECT order_id,\naddress\nFROM   orders\nWHERE  order_id = 1", &["INSERT INTO shipping_details\n(order_id,\naddress)\nSELECT order_id,\naddress\nFROM   orders\nWHERE  order_id = ?"], "INSERT shipping_details SELECT orders"),
    ("select_nested_query", "SELECT order_date\nFROM   (SELECT *\nFROM   orders o\nJOIN customers c\nON o.customer_id = c.customer_id)", &["SELECT order_date\nFROM   (SELECT *\nFROM   orders o\nJOIN customers c\nON o.customer_id = c.customer_id)"], "SELECT SELECT orders customers"),
    ("select_nested_query_case_preserved", "SELEcT order_date\nFROM   (sELECT *\nFROM   orders o\nJOIN customers c\nON o.customer_id = c.customer_id)", &["SELEcT order_date\nFROM   (sELECT *\nFROM   orders o\nJOIN customers c\nON o.customer_id = c.customer_id)"], "SELEcT sELECT orders customers"),
    ("case_preserved", "SELEcT order_date\nFROM ORders", &["SELEcT order_date\nFROM ORders"], "SELEcT ORders"),
    ("cross_join", "SELECT * FROM Orders o CROSS JOIN OrderDetails od", &["SELECT * FROM Orders o CROSS JOIN OrderDetails od"], "SELECT Orders OrderDetails"),
    ("cross_join_comma_separated_syntax", "SELECT * FROM Orders o, OrderDetails od", &["SELECT * FROM Orders o, OrderDetails od"], "SELECT Orders OrderDetails"),
    ("create_table", "CREATE  TABLE MyTable (\n    ID NOT NULL IDENTITY(1,1) PRIMARY KEY\n)", &["CREATE  TABLE MyTable (\n    ID NOT NULL IDENTITY(?,?) PRIMARY KEY\n)"], "CREATE TABLE MyTable"),
    ("alter_table", "ALTER  TABLE MyTable ADD Name varchar(255)", &["ALTER  TABLE MyTable ADD Name varchar(?)"], "ALTER TABLE MyTable"),
    ("drop_table", "DROP  TABLE MyTable", &["DROP  TABLE MyTable"], "DROP TABLE MyTable"),
];

#[test]
fn the_official_cases_hold_in_every_dialect() {
    assert_eq!(OFFICIAL.len(), 24);
    for dialect in DIALECTS {
        for (name, query, texts, summary) in OFFICIAL {
            let found = analyze(query, dialect);
            assert!(
                texts.contains(&found.text.as_str()),
                "{name} {dialect:?}: {}",
                found.text
            );
            assert_eq!(found.summary.as_str(), *summary, "{name} {dialect:?}");
        }
    }
}

#[track_caller]
fn texts(dialect: Dialect, cases: &[(&str, &str)]) {
    for (query, text) in cases {
        assert_eq!(analyze(query, dialect).text, *text, "{query}");
    }
}

#[track_caller]
fn summaries(dialect: Dialect, cases: &[(&str, &str)]) {
    for (query, summary) in cases {
        assert_eq!(
            analyze(query, dialect).summary.as_str(),
            *summary,
            "{query}"
        );
        assert_eq!(summarize(query, dialect).as_str(), *summary, "{query}");
    }
}

#[test]
fn a_text_is_read_as_far_as_it_is_shown() {
    const LIMIT: usize = 1_000;
    let values = "(12, 'lamp', NULL), ".repeat(500_000);
    let insert = format!("INSERT INTO t VALUES {values}");
    let found = analyze_within(&insert, PostgreSql, LIMIT);
    assert!(
        found
            .text
            .starts_with("INSERT INTO t VALUES (?, ?, NULL), (?")
    );
    assert!(found.text.len() <= LIMIT && found.text.capacity() <= LIMIT);
    assert_eq!(found.summary.as_str(), "INSERT t");
    assert!(properties::WORK.get() < 10 * LIMIT);

    let list = "1, ?, 'x', ".repeat(50_000);
    let select =
        format!("SELECT * FROM t WHERE a IN ({list}2) AND b = 'c' OR d IN (SELECT 1 FROM u)");
    let found = analyze_within(&select, PostgreSql, LIMIT);
    assert_eq!(
        found.text,
        "SELECT * FROM t WHERE a IN (?) AND b = ? OR d IN (SELECT ? FROM u)"
    );
    assert_eq!(found.summary.as_str(), "SELECT t SELECT u");
    assert!(found.text.capacity() <= LIMIT);

    for text in [
        "a ".repeat(5_000_000),
        format!("SELECT '{}'", "a".repeat(10_000_000)),
        format!("SELECT 1 FROM t WHERE a IN ({list}"),
        format!("SELECT 1 FROM t WHERE a IN ({list} b)"),
        "\u{e9}\u{e9}/**/".repeat(50_000),
    ] {
        for dialect in DIALECTS {
            let found = analyze_within(&text, dialect, LIMIT);
            assert!(found.text.len() <= LIMIT && found.text.capacity() <= LIMIT);
        }
    }
}

#[test]
fn a_limit_takes_the_end_and_nothing_else() {
    let sql = "SELECT \u{e9}, 'b' -- c\nFROM t WHERE d IN (1, 2, 3) AND e = 5 OR f IN (1, g)";
    let whole = analyze(sql, PostgreSql).text;
    for limit in 0..=sql.len() {
        let cut = analyze_within(sql, PostgreSql, limit).text;
        assert!(cut.len() <= limit && cut.len() + 2 > limit.min(whole.len()));
        assert!(whole.starts_with(&cut), "{limit}: {cut}");
    }
    assert_eq!(analyze_within(sql, PostgreSql, whole.len()).text, whole);
}

#[test]
fn what_a_statement_changes_is_seen_behind_its_common_table_expressions() {
    for (query, changes) in [
        ("INSERT INTO t VALUES (1)", true),
        ("UPSERT INTO t VALUES (1)", true),
        ("replace into t values (1)", true),
        ("WITH a AS (SELECT 1) UPDATE t SET b = 2", true),
        ("WITH a AS (SELECT 1), b AS (SELECT 2) DELETE FROM t", true),
        (
            "WITH a AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM a",
            true,
        ),
        // The number that comes back is that of the rows selected.
        (
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            false,
        ),
        ("SELECT replace(a, 'b', 'c') FROM replace", false),
        ("EXPLAIN UPDATE t SET a = 1", false),
        (
            "CREATE TRIGGER g AFTER UPDATE ON t BEGIN UPDATE u SET a = 1; END",
            false,
        ),
        ("BEGIN; UPDATE t SET a = 1", false),
        ("SELECT 1; UPDATE t SET a = 1", false),
        ("", false),
    ] {
        for dialect in DIALECTS {
            assert_eq!(summarize(query, dialect).changes_rows(), changes, "{query}");
        }
    }
}

#[test]
fn the_operation_is_the_first_word_of_the_summary() {
    assert_eq!(summarize("seLect 1", Other).operation(), Some("seLect"));
    assert_eq!(
        summarize("CREATE TABLE t (a int)", Other).operation(),
        Some("CREATE")
    );
    assert_eq!(summarize("(((", Other).operation(), None);
}

#[test]
fn a_span_is_named_after_the_most_telling_thing_known() {
    let all = Target {
        collection: Some("users"),
        namespace: Some("shop"),
        server_address: Some("db"),
        server_port: Some(5433),
    };
    let no_collection = Target {
        collection: None,
        ..all
    };
    let server = Target {
        namespace: None,
        ..no_collection
    };
    let system = "postgresql";
    assert_eq!(
        span_name(Some("SELECT users"), Some("SELECT"), all, system),
        "SELECT users"
    );
    assert_eq!(
        span_name(Some(""), Some("BATCH"), all, system),
        "BATCH users"
    );
    assert_eq!(span_name(None, None, all, system), "users");
    assert_eq!(span_name(None, None, no_collection, system), "shop");
    assert_eq!(
        span_name(None, Some("PING"), server, system),
        "PING db:5433"
    );
    let bare = Target {
        server_port: None,
        ..server
    };
    assert_eq!(span_name(None, None, bare, system), "db");
    let ipv6 = Target {
        server_address: Some("::1"),
        ..server
    };
    assert_eq!(span_name(None, None, ipv6, system), "[::1]:5433");
    assert_eq!(
        span_name(None, Some("PING"), Target::default(), system),
        "PING"
    );
    assert_eq!(
        span_name(None, None, Target::default(), system),
        "postgresql"
    );
}

#[test]
fn batches_report_a_size_unless_it_is_one() {
    assert_eq!([0, 1, 2].map(batch_size), [Some(0), None, Some(2)]);
    assert_eq!(
        batch_summary(["INSERT a", "INSERT a"].into_iter()),
        "BATCH INSERT a"
    );
    assert_eq!(batch_summary(["INSERT a", "INSERT b"].into_iter()), "BATCH");
    assert_eq!(batch_summary(std::iter::empty()), "BATCH");
    let long = format!("SELECT {}", ["abcdefghi"; 24].join(" "));
    let batch = batch_summary([long.as_str(), &long].into_iter());
    assert!(batch.len() <= 255 && batch.ends_with(" abcdefghi"));
}

#[test]
fn only_an_unusual_port_is_reported() {
    assert_eq!(PostgreSql.reported_port(5432), None);
    assert_eq!(PostgreSql.reported_port(3306), Some(3306));
    assert_eq!(MySql.reported_port(3306), None);
    assert_eq!(Dialect::from_system_name("mariadb"), MySql);
    for dialect in DIALECTS {
        assert_eq!(Dialect::from_system_name(dialect.system_name()), dialect);
    }
}
