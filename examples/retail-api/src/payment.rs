//! `POST /payment/charge`: holds the amount on the card. The money is taken when the order is created.

use std::num::NonZeroU32;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use telemetry_sqlx::SqlitePool;

use crate::ApiError;

#[derive(Debug, Deserialize)]
pub(crate) struct Charge {
    amount_cents: NonZeroU32,
    card: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Payment {
    payment_id: i64,
}

pub(crate) async fn charge(
    State(pool): State<SqlitePool>,
    Json(charge): Json<Charge>,
) -> Result<Json<Payment>, ApiError> {
    authorize(&charge.card)?;
    let payment = sqlx::query("INSERT INTO payments (amount_cents, card) VALUES (?, ?)")
        .bind(charge.amount_cents.get())
        .bind(&charge.card)
        .execute(&pool)
        .await?;
    let payment_id = payment.last_insert_rowid();
    tracing::info!(
        payment_id,
        amount_cents = charge.amount_cents.get(),
        "payment authorized"
    );
    Ok(Json(Payment { payment_id }))
}

/// The gateway of the example: what it says depends on the card's token alone.
fn authorize(card: &str) -> Result<(), ApiError> {
    match card {
        "tok_declined" => Err(ApiError::CardDeclined),
        "tok_gateway_down" => Err(ApiError::GatewayDown),
        _ => Ok(()),
    }
}
