//! The checkout: a step of three stages, each a step of its own (see `api.rs`).

use axum::{Json, extract::State};
use telemetry_core::{entry_span, set_attribute, step};

use crate::{
    api::RetailApi,
    error::CheckoutError,
    messages::{CheckoutRequest, Receipt},
    metrics::{self, FLOW},
};

pub(crate) async fn execute(
    State(api): State<RetailApi>,
    Json(request): Json<CheckoutRequest>,
) -> Result<Json<Receipt>, CheckoutError> {
    set_attribute("retail.flow", FLOW);
    let result = process(&api, &request).await;
    metrics::count(&result);
    match &result {
        Ok(receipt) => tracing::info!(
            order_id = receipt.order_id,
            amount_cents = receipt.amount_cents,
            "checkout completed"
        ),
        Err(error @ (CheckoutError::Upstream(_) | CheckoutError::Unreachable(_))) => {
            tracing::error!(error = error as &dyn std::error::Error, "checkout failed");
        }
        // The step logged the rejection.
        Err(_) => {}
    }
    result.map(Json)
}

/// Money is held before the order exists and taken with it: the charge of stage two only authorises the amount, and
/// retail-api captures it in the same transaction that creates the order. Whatever breaks in between, nothing is
/// charged for an order that is not there.
#[step(
    name = "Process_Checkout_Flow",
    flow = FLOW,
    classify = CheckoutError::verdict,
    attrs(retail.sku = request.sku, retail.quantity = request.quantity),
)]
async fn process(api: &RetailApi, request: &CheckoutRequest) -> Result<Receipt, CheckoutError> {
    if !(1..=1000).contains(&request.quantity) {
        return Err(CheckoutError::InvalidQuantity);
    }

    let unit_price = api.verify_inventory(&request.sku, request.quantity).await?;
    let amount_cents = unit_price * i64::from(request.quantity);
    let payment_id = api.charge_payment(amount_cents, &request.card).await?;
    let order_id = api
        .create_order(&request.sku, request.quantity, payment_id)
        .await?;
    entry_span().set_attribute("retail.order.id", order_id);
    Ok(Receipt {
        order_id,
        payment_id,
        amount_cents,
    })
}
