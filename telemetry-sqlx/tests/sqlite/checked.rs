//! The macros that check statements against a database at compile time. `.sqlx` holds the answers of the database.

use crate::support::{Recorded, names};

#[derive(Debug, PartialEq)]
struct Order {
    id: i64,
    item: String,
}

#[tokio::test]
async fn checked_statements_run_on_pool_connection_and_transaction() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let order = sqlx::query_as!(Order, "SELECT id, item FROM orders WHERE id = ?", 2)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((order.id, &*order.item), (2, "desk"));
    let mut tx = pool.begin().await.unwrap();
    sqlx::query!("UPDATE orders SET number = ? WHERE id = ?", 7, 2)
        .execute(&mut *tx)
        .await
        .unwrap();
    let number = sqlx::query_scalar!("SELECT number FROM orders WHERE id = ?", 2);
    assert_eq!(number.fetch_one(&mut tx).await.unwrap(), 7);
    tx.commit().await.unwrap();
    assert_eq!(
        names(&recorded.statements()),
        [
            "SELECT orders",
            "BEGIN",
            "UPDATE orders",
            "SELECT orders",
            "COMMIT"
        ]
    );
}
