//! The checkout: three stages, each a step.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use telemetry_core::{set_attribute, step};

use crate::{CheckoutError, RetailApi};

const FLOW: &str = "checkout";

/// What the customer sends.
#[derive(Debug, Deserialize)]
pub struct CheckoutRequest {
    /// What to buy.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// The card's token.
    pub card: String,
}

/// What the customer gets.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// The order.
    pub order_id: i64,
    /// The payment that was captured with it.
    pub payment_id: i64,
    /// What was charged, in cents.
    pub amount_cents: i64,
}

pub(crate) async fn execute(
    State(api): State<RetailApi>,
    Json(request): Json<CheckoutRequest>,
) -> Result<Json<Receipt>, CheckoutError> {
    set_attribute("retail.flow", FLOW);
    let checkout = step("Process_Checkout_Flow").flow(FLOW);
    let result = checkout
        .run_with(process(&api, &request), CheckoutError::verdict)
        .await;
    match &result {
        Ok(receipt) => {
            set_attribute("retail.order.id", receipt.order_id);
            tracing::info!(
                order_id = receipt.order_id,
                amount_cents = receipt.amount_cents,
                "checkout completed"
            );
        }
        Err(error @ (CheckoutError::Upstream(_) | CheckoutError::Unreachable(_))) => {
            tracing::error!(error = error as &dyn std::error::Error, "checkout failed");
        }
        Err(error) => tracing::warn!(reason = %error, "checkout rejected"),
    }
    result.map(Json)
}

/// Money is held before the order exists and taken with it: the charge of stage two only authorises the amount, and
/// retail-api captures it in the same transaction that creates the order. Whatever breaks in between, nothing is
/// charged for an order that is not there.
async fn process(api: &RetailApi, request: &CheckoutRequest) -> Result<Receipt, CheckoutError> {
    if !(1..=1000).contains(&request.quantity) {
        return Err(CheckoutError::InvalidQuantity);
    }

    let verify = step("Verify_Inventory_Status")
        .flow(FLOW)
        .stage("inventory");
    let stock = api.verify_inventory(&request.sku, request.quantity);
    let unit_price = verify.run_with(stock, CheckoutError::verdict).await?;
    let amount_cents = unit_price * i64::from(request.quantity);

    let charge = step("Execute_Payment_Charge").flow(FLOW).stage("payment");
    let payment = api.charge_payment(amount_cents, &request.card);
    let payment_id = charge.run_with(payment, CheckoutError::verdict).await?;

    let create = step("Create_Order_Record").flow(FLOW).stage("order");
    let order = api.create_order(&request.sku, request.quantity, payment_id);
    let order_id = create.run_with(order, CheckoutError::verdict).await?;

    Ok(Receipt {
        order_id,
        payment_id,
        amount_cents,
    })
}
