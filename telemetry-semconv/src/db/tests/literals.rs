//! What is masked.

use super::*;

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
            ("SELECT /*!50003 a, */ 1", "SELECT  a,  ?"),
            // Servers before and after that version end different strings.
            ("SELECT /*!50003 '*/ secret' */ 1", "SELECT ?"),
            ("/*!99999 it's */ 'SECRET'", "?"),
            ("SELECT 1 /*!99999 -- */ 'a\n SECRET'", "SELECT ? ?"),
            ("SELECT 1 /*M! \" */ \"SECRET\"", "SELECT ? ?"),
            ("SELECT 1 /*! /* */ 2 */", "SELECT ? ?"),
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
fn unquoted_values_of_settings_are_masked() {
    texts(
        PostgreSql,
        &[
            ("SET app.token = bareword", "SET app.token = ?"),
            (
                "SET LOCAL app.token TO \"Quoted\";",
                "SET LOCAL app.token TO ?;",
            ),
            ("SET search_path TO app, public", "SET search_path TO ?, ?"),
            (
                "SET x = DEFAULT; SET y TO on",
                "SET x = DEFAULT; SET y TO on",
            ),
            ("ALTER ROLE r SET a.b = secret", "ALTER ROLE r SET a.b = ?"),
            (
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            ),
            (
                "UPDATE t SET a = b, c = d WHERE e = f",
                "UPDATE t SET a = b, c = d WHERE e = f",
            ),
            ("ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME TO u"),
        ],
    );
    texts(
        MySql,
        &[
            ("SET a = secret, b = c", "SET a = ?, b = ?"),
            ("SET NAMES utf8mb4", "SET NAMES utf8mb4"),
            ("SET @x = (SELECT y FROM z)", "SET @x = (SELECT y FROM z)"),
        ],
    );
}
