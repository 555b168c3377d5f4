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
fn literals_every_dialect_shares_are_masked() {
    for dialect in DIALECTS {
        texts(
            dialect,
            &[
                (
                    "SELECT x'0a', B'01', n'a', U&'d\\0061t'",
                    "SELECT ?, ?, ?, ?",
                ),
                (
                    "SELECT 1_000, 1e5, 1.5E+10, 0b01, 7.",
                    "SELECT ?, ?, ?, ?, ?",
                ),
                ("SELECT TRUE, false, NULL", "SELECT ?, ?, NULL"),
                (
                    "SELECT DATE '2020-01-01', INTERVAL '1' DAY",
                    "SELECT DATE ?, INTERVAL ? DAY",
                ),
                ("SELECT a-1, b - 2, c -3", "SELECT a-?, b - ?, c ?"),
                ("SELECT ''", "SELECT ?"),
                ("SELECT 'never ends", "SELECT ?"),
                ("SELECT a /* never ends 'x'", "SELECT a "),
                ("SELECT t.5", "SELECT t.?"),
                (
                    "a IN ( 1, -2,\n 'x' ) OR b NOT IN (?, ?)",
                    "a IN (?) OR b NOT IN (?)",
                ),
                ("a IN (1, b)", "a IN (?, b)"),
                ("a IN ($1, :b, @c, ?)", "a IN ($1, :b, @c, ?)"),
            ],
        );
    }
}

#[test]
fn postgres_strings_end_where_the_server_ends_them() {
    texts(
        PostgreSql,
        &[
            ("SELECT E'it\\'s', 'C:\\', 'x'", "SELECT ?, ?, ?"),
            ("SELECT E'a'\n'b\\'c', 1", "SELECT ?\n?, ?"),
            ("SELECT $$it's$$, $tag$ $$ 'x' $tag$, $1", "SELECT ?, ?, $1"),
            ("SELECT $a$ never ends", "SELECT ?"),
            ("SELECT a$b$c FROM t$1", "SELECT a$b$c FROM t$1"),
            ("SELECT $1234567", "SELECT $?"),
            (
                "SELECT ARRAY['a','b'], c[1], d[1:2]",
                "SELECT ARRAY[?,?], c[?], d[?:?]",
            ),
            (
                "SELECT '1'::int, data->'k'->>0",
                "SELECT ?::int, data->?->>?",
            ),
            ("SELECT 1 /* a /* b */ 'c' */ + 2", "SELECT ?  + ?"),
            ("SELECT a # 1, \"b\"", "SELECT a # ?, \"b\""),
        ],
    );
}

#[test]
fn mysql_strings_comments_and_names_are_its_own() {
    texts(
        MySql,
        &[
            (
                "SELECT \"a\", 'it\\'s', \"x\"\"y\", `n'1`",
                "SELECT ?, ?, ?, `n'1`",
            ),
            ("SELECT _utf8mb4'a', x'00'", "SELECT _utf8mb4?, ?"),
            ("SELECT 5--1", "SELECT ?-?"),
            ("SELECT 5 -- 1\n, 6 # 7", "SELECT ? \n, ? "),
            ("SELECT @a, @@global.b, $c", "SELECT @a, @@global.b, $c"),
            ("SELECT /*!50003 '*/ secret' */ 1", "SELECT  ?  ?"),
            (
                "CREATE USER 'bob'@'host' IDENTIFIED BY 'pw'",
                "CREATE USER ?@? IDENTIFIED BY ?",
            ),
        ],
    );
}

#[test]
fn sqlite_placeholders_and_brackets_are_kept_and_keys_are_not() {
    texts(
        Sqlite,
        &[
            (
                "SELECT ?1, :a, @b, $c, ?123456",
                "SELECT ?1, :a, @b, $c, ??",
            ),
            ("SELECT [a b], [a.1] FROM [it's]", "SELECT [a b], ? FROM ?"),
            ("PRAGMA key = \"x'2DD2'\"", "PRAGMA key = ?"),
            (
                "PRAGMA main.\"table_info\"(\"t\")",
                "PRAGMA main.\"table_info\"(?)",
            ),
        ],
    );
}

#[test]
fn what_sqlite_may_read_as_a_string_is_masked() {
    texts(
        Sqlite,
        &[
            (
                "SELECT * FROM users WHERE email = \"ada@x\"",
                "SELECT * FROM users WHERE email = ?",
            ),
            (
                "SELECT \"a\", f(\"b\") FROM t WHERE c IN (\"d\", \"e\") ORDER BY \"f\"",
                "SELECT ?, f(?) FROM t WHERE c IN (?) ORDER BY ?",
            ),
            (
                "INSERT INTO \"t\" (\"a\", b) VALUES (\"c\", \"d\")",
                "INSERT INTO \"t\" (\"a\", b) VALUES (?, ?)",
            ),
            (
                "UPDATE \"t\" SET a = \"b\", c = \"d\" WHERE e LIKE \"f%\"",
                "UPDATE \"t\" SET a = ?, c = ? WHERE e LIKE ?",
            ),
            (
                "SELECT \"t\".\"a\", \"t\".b, t.\"c\", \"t\".* FROM \"t\"",
                "SELECT \"t\".\"a\", \"t\".b, t.\"c\", \"t\".* FROM \"t\"",
            ),
            (
                "SELECT \"a\".5, \"b\".'c', \"d\".true, \"e\".\"f",
                "SELECT ?.?, \"b\".?, \"d\".?, \"e\".?",
            ),
            (
                "SELECT count(*) AS \"n!: i64\" FROM \"t\", main.\"u\" JOIN \"v\" ON x = \"y\", \"w\"",
                "SELECT count(*) AS \"n!: i64\" FROM \"t\", main.\"u\" JOIN \"v\" ON x = ?, \"w\"",
            ),
            (
                "WITH \"a\" AS (SELECT \"b\") SELECT 1 FROM \"a\"",
                "WITH \"a\" AS (SELECT ?) SELECT ? FROM \"a\"",
            ),
            ("SELECT U&\"a\"", "SELECT U&?"),
            ("SELECT \"it\"\"s", "SELECT ?"),
            ("VACUUM INTO \"secret.db\"", "VACUUM INTO ?"),
            (
                "ATTACH \"a.db\" AS \"b\" KEY \"secret\"",
                "ATTACH ? AS \"b\" KEY ?",
            ),
        ],
    );
    summaries(
        Sqlite,
        &[
            (
                "SELECT \"a\" FROM \"song list\", main.\"u\" WHERE b = \"FROM c\"",
                "SELECT \"song list\" main.\"u\"",
            ),
            ("UPDATE \"t\" SET \"a\" = \"b\"", "UPDATE \"t\""),
            ("VACUUM INTO \"secret.db\"", "VACUUM"),
        ],
    );
}

#[test]
fn the_key_of_an_encrypted_database_is_masked_however_it_is_written() {
    texts(
        Sqlite,
        &[
            ("PRAGMA key = secret", "PRAGMA key = ?"),
            ("pragma main.rekey=secret;", "pragma main.rekey=?;"),
            ("PRAGMA hexkey(beef)", "PRAGMA hexkey(?)"),
            ("PRAGMA \"key\" = 'secret'", "PRAGMA \"key\" = ?"),
            ("PRAGMA key = $secret", "PRAGMA key = ?"),
            ("PRAGMA key = select", "PRAGMA key = ?"),
            ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = ON"),
            (
                "PRAGMA key = a; PRAGMA journal_mode = WAL",
                "PRAGMA key = ?; PRAGMA journal_mode = WAL",
            ),
            ("ATTACH 'a' AS b KEY secret", "ATTACH ? AS b KEY ?"),
        ],
    );
    summaries(
        Sqlite,
        &[
            ("PRAGMA main.key = select", "PRAGMA main.key"),
            ("ATTACH 'a' AS b KEY secret", "ATTACH"),
        ],
    );
}

#[test]
fn an_unknown_dialect_masks_to_the_end_when_in_doubt() {
    texts(
        Other,
        &[
            ("SELECT 'C:\\', 'secret'", "SELECT ?"),
            ("SELECT 'a\\\\', 'b'", "SELECT ?, ?"),
            ("SELECT 1 /* a /* b */ 'c' */ + 2", "SELECT ? "),
            (
                "SELECT q'[it's]', nq'!it's!' FROM #tmp",
                "SELECT ?, ? FROM #tmp",
            ),
            (
                "SELECT [Order Details], a['x'], a[b 1]",
                "SELECT [Order Details], a[?], a[b ?]",
            ),
            ("SELECT $$it's$$, $12.5", "SELECT ?, $?"),
        ],
    );
}

#[test]
fn removing_a_comment_joins_no_tokens() {
    texts(
        PostgreSql,
        &[
            ("SELECT/**/a/**/-/**/-1", "SELECT a - ?"),
            ("/* lead */SELECT a--x\nFROM b", "SELECT a\nFROM b"),
        ],
    );
    texts(MySql, &[("SELECT 1 --/**/ 2", "SELECT ? --? ?")]);
    texts(Other, &[("SELECT [a/**/b]", "SELECT [a?b]")]);
}

#[test]
fn a_statement_names_its_operation_and_target() {
    summaries(
        Other,
        &[
            ("UPDATE a SET b = 1 FROM c WHERE d = 2", "UPDATE a c"),
            (
                "UPDATE a JOIN b ON a.i = b.i SET a.x = 1, a.y = 2",
                "UPDATE a b",
            ),
            ("DELETE FROM a USING b, c WHERE a.i = b.i", "DELETE a b c"),
            ("DELETE a FROM a JOIN b USING (id) WHERE x", "DELETE a b"),
            (
                "MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN UPDATE SET a = 1, b = 2",
                "MERGE t s",
            ),
            ("REPLACE INTO t VALUES (1)", "REPLACE t"),
            ("INSERT OR ROLLBACK INTO t VALUES (1)", "INSERT t"),
            (
                "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2, b = 3",
                "INSERT t",
            ),
            (
                "INSERT INTO t SELECT a FROM s ON DUPLICATE KEY UPDATE a = 1, b = 2",
                "INSERT t SELECT s",
            ),
            ("UPSERT INTO t VALUES (1)", "UPSERT t"),
            ("TRUNCATE TABLE a, b CASCADE", "TRUNCATE a b"),
            ("CALL shop.refresh(1, 'x')", "CALL shop.refresh"),
            ("{call refresh(?)}", "call refresh"),
            ("{? = call refresh(?)}", "call refresh"),
            ("EXEC refresh @a = 1, @b = 2", "EXEC refresh"),
            ("COPY t (a, b) FROM '/secret'", "COPY t"),
            ("COPY (SELECT a FROM t) TO STDOUT", "COPY SELECT t"),
            ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode"),
            ("SET LOCAL statement_timeout = 5", "SET statement_timeout"),
            ("SHOW FULL COLUMNS FROM t", "SHOW COLUMNS"),
            ("VACUUM (FULL) t", "VACUUM t"),
            (
                "EXPLAIN (ANALYZE, FORMAT JSON) SELECT a FROM t",
                "EXPLAIN SELECT t",
            ),
            ("EXPLAIN QUERY PLAN UPDATE t SET a = 1", "EXPLAIN UPDATE t"),
            ("LISTEN user_4711", "LISTEN"),
            ("SAVEPOINT _sqlx_savepoint_1", "SAVEPOINT"),
            ("ROLLBACK TO SAVEPOINT _sqlx_savepoint_1", "ROLLBACK"),
            ("RELEASE SAVEPOINT a", "RELEASE"),
            ("REVOKE SELECT ON t FROM bob", "REVOKE"),
            ("VALUES (1), (2)", "VALUES"),
            ("LOAD DATA INFILE 'x' INTO TABLE t", "LOAD t"),
            ("gibberish 12", ""),
            ("", ""),
        ],
    );
}

#[test]
fn a_definition_names_kind_and_object() {
    summaries(
        PostgreSql,
        &[
            (
                "CREATE TEMP TABLE IF NOT EXISTS s.t (a int, b int)",
                "CREATE TABLE s.t",
            ),
            (
                "CREATE OR REPLACE VIEW v AS SELECT * FROM t",
                "CREATE VIEW v SELECT t",
            ),
            (
                "CREATE VIEW v AS WITH x AS (SELECT 1 FROM a) SELECT * FROM x",
                "CREATE VIEW v WITH SELECT a SELECT",
            ),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
                "CREATE INDEX i",
            ),
            ("CREATE INDEX ON t (a)", "CREATE INDEX t"),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", "REFRESH VIEW v"),
            ("DROP TABLE IF EXISTS a, b", "DROP TABLE a b"),
            (
                "ALTER TABLE ONLY t ADD COLUMN c int, DROP COLUMN d",
                "ALTER TABLE t",
            ),
            ("COMMENT ON TABLE t IS 'secret'", "COMMENT TABLE t"),
            ("CREATE USER bob PASSWORD 'x'", "CREATE USER"),
            (
                "CREATE POLICY p ON t FOR SELECT USING (a)",
                "CREATE POLICY p",
            ),
            (
                "CREATE TRIGGER g AFTER UPDATE ON t BEGIN UPDATE u SET a = 1; END",
                "CREATE TRIGGER g UPDATE u",
            ),
        ],
    );
}

#[test]
fn tables_are_found_in_every_from_clause_and_nowhere_else() {
    summaries(
        PostgreSql,
        &[
            (
                "SELECT 1 FROM a, b c, d AS e JOIN f ON f.i = ANY(ARRAY[a.i, b.i]), g",
                "SELECT a b d f g",
            ),
            (
                "SELECT 1 FROM ((a JOIN b ON x) LEFT JOIN c USING (y, z)), d WHERE p IN (q, r)",
                "SELECT a b c d",
            ),
            (
                "SELECT 1 FROM a JOIN b ON b.t @> ARRAY[a.x, a.y]",
                "SELECT a b",
            ),
            (
                "SELECT EXTRACT(YEAR FROM ts), TRIM(BOTH FROM n) FROM t",
                "SELECT t",
            ),
            ("SELECT a IS NOT DISTINCT FROM b FROM t", "SELECT t"),
            ("SELECT a FROM t FOR UPDATE OF t, u", "SELECT t"),
            (
                "SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY c, d",
                "SELECT t SELECT u",
            ),
            (
                "(SELECT a FROM t) UNION (SELECT b FROM u)",
                "SELECT t SELECT u",
            ),
            (
                "SELECT a FROM t WHERE b IN (SELECT c FROM u)",
                "SELECT t SELECT u",
            ),
            (
                "SELECT * FROM generate_series(1, 10) g, LATERAL (SELECT 1 FROM t) x",
                "SELECT generate_series SELECT t",
            ),
            ("SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v", "SELECT"),
            (
                "SELECT * FROM 'artists', \"song list\", s . \"T\"",
                "SELECT \"song list\" s.\"T\"",
            ),
            ("SELECT 1; DELETE FROM a; COMMIT", "SELECT DELETE a COMMIT"),
            ("SELECT replace(a, 'x', 'y'), (update) FROM t", "SELECT t"),
            ("SELECT t.from, t.select FROM t", "SELECT t"),
        ],
    );
    summaries(
        Other,
        &[
            (
                "SELECT * FROM db..t WITH (NOLOCK) CROSS APPLY f(t.a)",
                "SELECT db..t f",
            ),
            (
                "SELECT * FROM [dbo].[Order Details]",
                "SELECT [dbo].[Order Details]",
            ),
        ],
    );
    summaries(
        MySql,
        &[("SELECT * FROM \"literal\", `a b`", "SELECT `a b`")],
    );
}

#[test]
fn common_table_expressions_are_not_targets() {
    summaries(
        PostgreSql,
        &[
            (
                "WITH a AS (SELECT 1 FROM t), \"B\" (x, y) AS MATERIALIZED (SELECT 2 FROM a) SELECT * FROM A, b, c",
                "WITH SELECT t SELECT SELECT c",
            ),
            (
                "WITH RECURSIVE r AS (SELECT 1 UNION SELECT n FROM r JOIN e ON e.p = r.n) DELETE FROM t USING r",
                "WITH SELECT SELECT e DELETE t",
            ),
            (
                "WITH d AS (DELETE FROM q RETURNING *) INSERT INTO l SELECT * FROM d",
                "WITH DELETE q INSERT l SELECT",
            ),
            (
                "WITH a AS (SELECT 1) SELECT * FROM s.a; SELECT * FROM a",
                "WITH SELECT SELECT s.a SELECT a",
            ),
        ],
    );
}

#[test]
fn a_long_summary_ends_between_names() {
    let tables: Vec<_> = (0..100).map(|i| format!("table_{i:03}")).collect();
    let summary = summarize(&format!("SELECT * FROM {}", tables.join(", ")), PostgreSql);
    assert_eq!(summary.as_str().len(), 6 + 24 * 10);
    assert!(summary.as_str().ends_with("table_023"));
    let cut = summarize(
        &format!("SELECT 1 FROM a, b.{}, c", "x".repeat(300)),
        PostgreSql,
    );
    assert_eq!(cut.as_str(), "SELECT a");
    let wide = summarize(
        &format!("SELECT 1 FROM \"{}\"", "\u{e9}".repeat(246)),
        PostgreSql,
    );
    assert_eq!(wide.as_str().chars().count(), 255);
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
