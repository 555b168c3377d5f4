//! The metrics of the checkout.

use telemetry_core::{Counter, Histogram, Verdict, counter, histogram};

use crate::{error::CheckoutError, messages::Receipt};

/// The flow that all steps of a checkout name.
pub(crate) const FLOW: &str = "checkout";

static CHECKOUTS: Counter = counter("retail.checkouts")
    .unit("{checkout}")
    .description("Checkouts by outcome and reason.");

static VALUE: Histogram = histogram("retail.checkout.value")
    .unit("{cent}")
    .description("What customers paid for a checkout.")
    .bounds(&[1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 1e6]);

/// Counts a checkout, and its value if it was paid.
pub(crate) fn count(result: &Result<Receipt, CheckoutError>) {
    let (outcome, reason) = match result.as_ref().map_err(CheckoutError::verdict) {
        Ok(receipt) => {
            VALUE.record(receipt.amount_cents, ());
            ("ok", "none")
        }
        Err(Verdict::Ok) => ("ok", "none"),
        Err(Verdict::Rejected(reason)) => ("rejected", reason),
        Err(Verdict::Failed(reason)) => ("error", reason),
    };
    CHECKOUTS.add(1, [("retail.outcome", outcome), ("retail.reason", reason)]);
}
