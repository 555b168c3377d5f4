//! `POST /orders`: takes the stock, takes the money and writes the order, all or nothing.

use std::num::NonZeroU32;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use telemetry_sqlx::SqlitePool;

use crate::{ApiError, metrics::STOCK, outbox};

#[derive(Debug, Deserialize)]
pub(crate) struct NewOrder {
    sku: String,
    quantity: NonZeroU32,
    payment_id: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Order {
    order_id: i64,
}

pub(crate) async fn create(
    State(pool): State<SqlitePool>,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), ApiError> {
    match place(&pool, &order).await {
        Ok(order_id) => {
            tracing::info!(
                order_id,
                payment_id = order.payment_id,
                "order created and payment captured"
            );
            Ok((StatusCode::CREATED, Json(Order { order_id })))
        }
        Err(error) => {
            release(&pool, order.payment_id).await;
            Err(error)
        }
    }
}

/// One transaction: the payment is captured if and only if the order is there and the stock is taken. The captured
/// payment is used up, so a repeated request cannot buy twice with it.
async fn place(pool: &SqlitePool, order: &NewOrder) -> Result<i64, ApiError> {
    let mut tx = pool.begin().await?;
    let left: Option<i64> = sqlx::query_scalar(
        "UPDATE inventory SET quantity = quantity - ?1 WHERE sku = ?2 AND quantity >= ?1 RETURNING quantity",
    )
    .bind(order.quantity.get())
    .bind(&order.sku)
    .fetch_optional(&mut *tx)
    .await?;
    let left = left.ok_or(ApiError::OutOfStock)?;
    let captured = sqlx::query(
        "UPDATE payments SET status = 'captured' WHERE id = ? AND status = 'authorized'",
    )
    .bind(order.payment_id)
    .execute(&mut *tx)
    .await?;
    if captured.rows_affected() == 0 {
        return Err(ApiError::NotAuthorized);
    }
    let inserted = sqlx::query("INSERT INTO orders (sku, quantity, payment_id) VALUES (?, ?, ?)")
        .bind(&order.sku)
        .bind(order.quantity.get())
        .bind(order.payment_id)
        .execute(&mut *tx)
        .await?;
    let order_id = inserted.last_insert_rowid();
    outbox::confirm_later(&mut tx, order_id).await?;
    tx.commit().await?;
    STOCK.set(left, ("retail.sku", &order.sku));
    Ok(order_id)
}

/// Gives the held amount back at once. If this fails, or nobody comes to create the order, the hold is simply never
/// captured.
async fn release(pool: &SqlitePool, payment_id: i64) {
    let released =
        sqlx::query("UPDATE payments SET status = 'voided' WHERE id = ? AND status = 'authorized'")
            .bind(payment_id)
            .execute(pool)
            .await;
    if let Err(error) = released {
        tracing::warn!(payment_id, %error, "the authorization was not released");
    }
}
