//! A failure is recorded on the span of the statement, and nowhere else.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt as _, StreamExt};
use opentelemetry::trace::{FutureExt, Status, TraceContextExt};
use sqlx::{
    ConnectOptions, Error,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use telemetry_sqlx::SqlitePool;

use crate::support::{Recorded, attribute, idle, names};

#[tokio::test]
async fn a_violated_constraint_is_its_code_and_names_the_column() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let insert = sqlx::query("INSERT INTO orders VALUES (?, ?, 1)")
        .bind(4)
        .bind("lamp");
    assert!(
        insert
            .execute(&pool)
            .await
            .unwrap_err()
            .as_database_error()
            .unwrap()
            .is_unique_violation()
    );
    let span = recorded.statement();
    assert_eq!(attribute(&span, "error.type"), Some("2067".into()));
    assert_eq!(
        attribute(&span, "db.response.status_code"),
        Some("2067".into())
    );
    assert_eq!(
        span.status,
        Status::error("UNIQUE constraint failed: orders.item")
    );
}

#[tokio::test]
async fn a_syntax_error_does_not_quote_the_text() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    assert!(
        sqlx::query("SELECT item FROM orders WHERE 'secret' 'secret'")
            .fetch_all(&pool)
            .await
            .is_err()
    );
    let span = recorded.statement();
    assert_eq!(attribute(&span, "error.type"), Some("1".into()));
    assert_eq!(span.status, Status::error("syntax error"));
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
}

#[tokio::test]
async fn an_error_in_mid_stream_marks_its_own_span_only() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let request = recorded.request();
    let read = async {
        // The absolute value of the last number does not fit.
        let mut rows = sqlx::query("SELECT abs(number) FROM orders ORDER BY id").fetch(&pool);
        assert!(rows.next().await.unwrap().is_ok());
        assert!(rows.next().await.unwrap().is_ok());
        assert!(rows.next().await.unwrap().is_err());
        assert!(rows.next().await.is_none());
    };
    read.with_context(request.clone()).await;
    let span = recorded.statement();
    assert_eq!(
        attribute(&span, "db.response.returned_rows"),
        Some(2.into())
    );
    assert_eq!(attribute(&span, "error.type"), Some("1".into()));
    assert!(matches!(span.status, Status::Error { .. }));
    request.span().end();
    let caller = recorded
        .all()
        .into_iter()
        .find(|span| span.name == "GET /orders")
        .unwrap();
    assert_eq!((caller.status, caller.attributes.len()), (Status::Unset, 0));
}

#[tokio::test]
async fn no_row_is_an_answer() {
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let missing = sqlx::query("SELECT item FROM orders WHERE id = ?")
        .bind(9)
        .fetch_one(&pool)
        .await;
    assert!(matches!(missing, Err(Error::RowNotFound)));
    let span = recorded.statement();
    assert_eq!(
        (attribute(&span, "error.type"), &span.status),
        (None, &Status::Unset)
    );
    assert_eq!(
        attribute(&span, "db.response.returned_rows"),
        Some(0.into())
    );
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_fails_without_being_shown() {
    struct Unencodable;
    impl sqlx::Type<sqlx::Sqlite> for Unencodable {
        fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
            <String as sqlx::Type<sqlx::Sqlite>>::type_info()
        }
    }
    impl sqlx::Encode<'_, sqlx::Sqlite> for Unencodable {
        fn encode_by_ref(
            &self,
            _: &mut sqlx::sqlite::SqliteArgumentsBuffer,
        ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
            Err("secret".into())
        }
    }
    let recorded = Recorded::new();
    let pool = recorded.pool().await;
    let failed = sqlx::query("SELECT item FROM orders WHERE item = ?")
        .bind(Unencodable)
        .fetch_all(&pool)
        .await;
    assert!(matches!(failed, Err(Error::Encode(_))));
    let span = recorded.statement();
    assert_eq!(attribute(&span, "error.type"), Some("encode".into()));
    assert!(!format!("{span:?}").contains("secret"));
}

#[tokio::test]
async fn a_panic_below_is_an_error_and_not_a_call_that_was_given_up() {
    let options = || SqliteConnectOptions::new().disable_statement_logging();
    let connected = SqlitePoolOptions::new()
        .before_acquire(|_, _| Box::pin(async { unreachable!("a hook that panics") }))
        .connect_with(options())
        .await
        .unwrap();
    // Taking an idle connection is no wait. Opening one is.
    let lazy = SqlitePoolOptions::new()
        .after_connect(|_, _| Box::pin(async { unreachable!("a hook that panics") }))
        .connect_lazy_with(options());
    idle(&connected).await;
    for (pool, spans) in [
        (connected, &["SELECT"][..]),
        (lazy, &["pool.acquire", "SELECT"]),
    ] {
        let recorded = Recorded::new();
        let pool = SqlitePool::from(pool).with_providers(recorded.providers.clone());
        let call = sqlx::query("SELECT 1").execute(&pool);
        assert!(AssertUnwindSafe(call).catch_unwind().await.is_err());
        let all = recorded.all();
        assert_eq!(names(&all), spans);
        for span in &all {
            assert_eq!(attribute(span, "error.type"), Some("panic".into()));
            assert_eq!(
                attribute(span, "telemetry.outcome"),
                Some("panicked".into())
            );
            assert_eq!(span.status, Status::error(""));
        }
    }
}
