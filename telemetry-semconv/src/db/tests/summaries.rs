//! Summaries of statements.

use super::*;

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
