//! The duration of calls.

use std::collections::BTreeMap;

use crate::support::Recorded;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn every_statement_is_measured_once_by_summary_and_error() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    for id in 1..=3 {
        sqlx::query("SELECT item FROM orders WHERE id = ?")
            .bind(id)
            .fetch_one(&pool)
            .await
            .unwrap();
    }
    sqlx::query("SELECT number FROM orders")
        .fetch_all(&pool)
        .await
        .unwrap();
    sqlx::query("INSERT INTO orders VALUES (1, 'lamp', 1)")
        .execute(&pool)
        .await
        .unwrap_err();
    let common = [("db.system.name", "sqlite"), ("db.namespace", ":memory:")];
    let measured: Vec<_> = recorded
        .durations()
        .into_iter()
        .map(|(attributes, count, _)| (attributes, count))
        .collect();
    let insert = [
        ("db.query.summary", "INSERT orders"),
        ("error.type", "1555"),
        ("db.response.status_code", "1555"),
    ];
    let select = [("db.query.summary", "SELECT orders")];
    assert_eq!(
        measured,
        [
            (labels(&[&common[..], &insert].concat()), 1),
            (labels(&[&common[..], &select].concat()), 4),
        ]
    );
}

#[tokio::test]
async fn buckets_are_those_of_the_convention() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    assert_eq!(
        recorded.durations()[0].2,
        [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]
    );
}

#[tokio::test]
async fn series_are_bounded() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let mut connection = pool.acquire().await.unwrap();
    for n in 0..1_100 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT * FROM missing_{n}"));
        assert!(sqlx::raw_sql(sql).execute(&mut connection).await.is_err());
    }
    let measured = recorded.durations();
    assert_eq!(measured.len(), 1_001);
    let rest = measured
        .iter()
        .find(|(attributes, ..)| attributes.contains_key("otel.metric.overflow"))
        .unwrap();
    assert_eq!((rest.0.len(), rest.1), (1, 100));
}
