//! The messages between a customer and retail-web.

use serde::{Deserialize, Serialize};

/// The body of a checkout request.
#[derive(Debug, Deserialize)]
pub struct CheckoutRequest {
    /// The article.
    pub sku: String,
    /// The number of pieces, 1 to 1000.
    pub quantity: u32,
    /// The card's token.
    pub card: String,
}

/// The answer to a checkout that was paid.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// The order.
    pub order_id: i64,
    /// The payment that was captured with it.
    pub payment_id: i64,
    /// The amount that was charged, in cents.
    pub amount_cents: i64,
}
