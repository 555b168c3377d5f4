//! `GET /inventory/check`.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use telemetry_sqlx::SqlitePool;

use crate::{ApiError, metrics::STOCK};

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    sku: String,
    qty: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stock {
    available: bool,
    unit_price_cents: i64,
}

pub(crate) async fn check(
    State(pool): State<SqlitePool>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Stock>, ApiError> {
    let row: Option<(i64, i64)> =
        sqlx::query_as("SELECT quantity, unit_price_cents FROM inventory WHERE sku = ?")
            .bind(&wanted.sku)
            .fetch_optional(&pool)
            .await?;
    let (quantity, unit_price_cents) = row.ok_or(ApiError::UnknownSku)?;
    STOCK.set(quantity, ("retail.sku", &wanted.sku));
    let available = quantity >= i64::from(wanted.qty);
    tracing::info!(sku = wanted.sku, quantity, available, "inventory checked");
    Ok(Json(Stock {
        available,
        unit_price_cents,
    }))
}
