//! Call sites are the same as with plain sqlx.

use futures_util::{StreamExt, TryStreamExt};
use sqlx::{Acquire, Either, Executor, FromRow, Row, Sqlite, SqliteConnection as Plain};
use telemetry_sqlx::{Backend, Connection, Pool};

use crate::support::{Recorded, attribute, names, unrecorded_pool};

#[derive(FromRow)]
struct Order {
    id: i64,
    item: String,
}

const ONE: &str = "SELECT id, item FROM orders WHERE id = ?";
const ALL: &str = "SELECT id, item FROM orders ORDER BY id";

/// Runs every kind of query on the executor of this expression.
macro_rules! every_call {
    ($executor:expr) => {{
        let row = sqlx::query(ONE).bind(1).fetch_one($executor).await.unwrap();
        assert_eq!(row.get::<i64, _>("id"), 1);
        assert!(
            sqlx::query(ONE)
                .bind(9)
                .fetch_optional($executor)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(
            sqlx::query(ALL).fetch_all($executor).await.unwrap().len(),
            3
        );
        assert_eq!(sqlx::query(ALL).fetch($executor).count().await, 3);
        let done = sqlx::query("UPDATE orders SET item = ? WHERE id = ?")
            .bind("bulb")
            .bind(1)
            .execute($executor)
            .await;
        assert_eq!(done.unwrap().rows_affected(), 1);
        let order: Order = sqlx::query_as(ONE)
            .bind(2)
            .fetch_one($executor)
            .await
            .unwrap();
        assert_eq!((order.id, &*order.item), (2, "desk"));
        let orders: Vec<Order> = sqlx::query_as(ALL)
            .fetch($executor)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(orders.len(), 3);
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
            .fetch_one($executor)
            .await
            .unwrap();
        assert_eq!(count, 3);
        let ids = sqlx::query(ALL)
            .map(|row: sqlx::sqlite::SqliteRow| row.get::<i64, _>(0))
            .fetch_all($executor)
            .await;
        assert_eq!(ids.unwrap(), [1, 2, 3]);
        let steps = sqlx::raw_sql("SELECT 1; SELECT 2").fetch_many($executor);
        let rows = steps.try_fold(0, |rows, step| async move {
            Ok(rows + u32::from(matches!(step, Either::Right(_))))
        });
        assert_eq!(rows.await.unwrap(), 2);
        sqlx::raw_sql("UPDATE orders SET number = 1 WHERE id = 1")
            .execute($executor)
            .await
            .unwrap();
        let mut built = sqlx::QueryBuilder::<Sqlite>::new("SELECT id FROM orders WHERE id = ");
        assert!(
            built
                .push_bind(3)
                .build()
                .fetch_optional($executor)
                .await
                .unwrap()
                .is_some()
        );
        let statement = Executor::prepare($executor, sqlx::SqlStr::from_static(ONE)).await;
        statement.unwrap()
    }};
}

const CALLS: [&str; 13] = [
    "SELECT orders",
    "SELECT orders",
    "SELECT orders",
    "SELECT orders",
    "UPDATE orders",
    "SELECT orders",
    "SELECT orders",
    "SELECT orders",
    "SELECT orders",
    "SELECT SELECT",
    "UPDATE orders",
    "SELECT orders",
    "PREPARE SELECT orders",
];

#[tokio::test]
async fn every_call_works_on_a_pool() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    every_call!(&pool);
    let spans = recorded.statements();
    // Two statements in one text. The semantic conventions define the summary.
    assert_eq!(names(&spans)[..9], CALLS[..9]);
    assert_eq!(names(&spans)[10..], CALLS[10..]);
    let rows: Vec<_> = spans
        .iter()
        .map(|span| attribute(span, "db.response.returned_rows"))
        .collect();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|rows| rows.map(|rows| rows.to_string().parse().unwrap()))
        .collect();
    let expected: [Option<i64>; 13] = [
        Some(1),
        Some(0),
        Some(3),
        Some(3),
        None,
        Some(1),
        Some(3),
        Some(1),
        Some(3),
        Some(2),
        None,
        Some(1),
        None,
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn every_call_works_on_a_connection_with_and_without_dereferencing() {
    let recorded = Recorded::new();
    let mut connection = recorded.pool().await.acquire().await.unwrap();
    every_call!(&mut *connection);
    every_call!(&mut connection);
    assert_eq!(recorded.statements().len(), 26);
}

#[tokio::test]
async fn every_call_works_on_a_transaction_with_and_without_dereferencing() {
    let recorded = Recorded::new();
    let mut tx = recorded.pool().await.begin().await.unwrap();
    every_call!(&mut *tx);
    every_call!(&mut tx);
    tx.commit().await.unwrap();
    assert_eq!(recorded.statements().len(), 28);
}

#[tokio::test]
async fn a_prepared_statement_runs_recorded() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let statement = every_call!(&pool);
    use sqlx::Statement;
    let order: Order = statement.query_as().bind(3).fetch_one(&pool).await.unwrap();
    assert_eq!(order.item, "sofa");
    assert_eq!(recorded.statements().last().unwrap().name, "SELECT orders");
}

#[tokio::test]
async fn without_a_pipeline_everything_works() {
    let pool = unrecorded_pool().await;
    every_call!(&pool);
    let mut tx = pool.begin().await.unwrap();
    every_call!(&mut tx);
    tx.begin().await.unwrap().rollback().await.unwrap();
    drop(tx);
    assert!(sqlx::query("SELEKT").execute(&pool).await.is_err());
}

async fn count<'e>(executor: impl Executor<'e, Database = Sqlite>) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(executor)
        .await
        .unwrap()
}

async fn count_twice<'a>(acquire: impl Acquire<'a, Database = Sqlite>) -> i64 {
    let mut connection = acquire.acquire().await.unwrap();
    count(&mut *connection).await + count(&mut *connection).await
}

async fn count_in_transaction<'a>(acquire: impl Acquire<'a, Database = Sqlite>) -> i64 {
    let mut tx = acquire.begin().await.unwrap();
    let counted = count(&mut *tx).await;
    tx.commit().await.unwrap();
    counted
}

async fn count_on(connection: &mut Connection<'_, Sqlite>) -> i64 {
    count(&mut *connection).await + count(connection).await
}

async fn plain(connection: &mut Plain) -> i64 {
    count(connection).await
}

async fn ping<DB: Backend>(pool: &Pool<DB>) -> bool {
    pool.acquire().await.is_ok()
}

#[tokio::test]
async fn functions_generic_over_executors_are_recorded() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    assert_eq!(count(&pool).await, 3);
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(count(&mut *tx).await, 3);
    assert_eq!(count(&mut tx).await, 3);
    assert_eq!(count_on(&mut tx).await, 6);
    tx.rollback().await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(count_on(&mut connection).await, 6);
    let spans = recorded.statements();
    assert_eq!(
        names(&spans)
            .iter()
            .filter(|name| **name == "SELECT orders")
            .count(),
        7
    );
}

#[tokio::test]
async fn functions_generic_over_acquire_work() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    assert_eq!(count_twice(&pool).await, 6);
    assert_eq!(count_in_transaction(&pool).await, 3);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(count_twice(&mut connection).await, 6);
    assert_eq!(count_in_transaction(&mut connection).await, 3);
    assert_eq!(plain(connection.inner_mut()).await, 3);
    let mut tx = connection.begin().await.unwrap();
    assert_eq!(count_twice(&mut *tx).await, 6);
    assert_eq!(count_in_transaction(&mut tx).await, 3);
    drop(tx);
    drop(connection);
    assert!(ping(&pool).await);
}

#[tokio::test]
async fn beginning_is_recorded_while_acquire_is_imported() {
    let recorded = Recorded::new();
    let mut connection = recorded.pool().await.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let mut savepoint = tx.begin().await.unwrap();
    let reborrowed = &mut savepoint;
    reborrowed.begin().await.unwrap().commit().await.unwrap();
    savepoint.commit().await.unwrap();
    tx.commit().await.unwrap();
    (*connection).begin().await.unwrap().commit().await.unwrap();
    let begun = recorded.statements().into_iter();
    let begun =
        begun.filter(|span| span.name.starts_with("BEGIN") || span.name.starts_with("SAVEPOINT"));
    assert_eq!(begun.count(), 4);
}

#[tokio::test]
async fn migrations_run_on_the_pool() {
    let pool = Recorded::new().pool().await;
    sqlx::migrate!("tests/migrations").run(&pool).await.unwrap();
    sqlx::query("INSERT INTO parcels VALUES (1, 2.5)")
        .execute(&pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_can_be_spawned() {
    let recorded = Recorded::new();
    let connect = telemetry_sqlx::SqlitePool::connect("sqlite::memory:");
    tokio::spawn(connect).await.unwrap().unwrap();
    let pool = recorded.pool().await;
    let work = async move {
        let mut tx = pool.begin().await?;
        sqlx::query(ONE).bind(1).fetch_one(&mut tx).await?;
        let mut savepoint = tx.begin().await?;
        sqlx::query(ALL)
            .fetch(&mut *savepoint)
            .try_collect::<Vec<_>>()
            .await?;
        savepoint.commit().await?;
        tx.commit().await?;
        sqlx::query(ALL)
            .fetch_all(&pool)
            .await
            .map(|rows| rows.len())
    };
    assert_eq!(tokio::spawn(work).await.unwrap().unwrap(), 3);
}
