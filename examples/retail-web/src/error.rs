//! The errors of a checkout, for the customer and for the business.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use telemetry_core::Verdict;

/// Why a checkout did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// Nobody sells this.
    #[error("unknown sku")]
    UnknownSku,
    /// Less is left than was asked for.
    #[error("out of stock")]
    OutOfStock,
    /// The customer's bank said no.
    #[error("card declined")]
    CardDeclined,
    /// The quantity is zero or absurd.
    #[error("quantity must be 1 to 1000")]
    InvalidQuantity,
    /// retail-api answered with an error of its own.
    #[error("retail-api answered {0}")]
    Upstream(StatusCode),
    /// retail-api could not be reached or did not answer sensibly.
    #[error("retail-api did not answer")]
    Unreachable(#[source] reqwest_middleware::Error),
}

impl CheckoutError {
    /// A "no" to the customer is an answer; only what broke is a failure.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::UnknownSku => Verdict::Rejected("unknown_sku"),
            Self::OutOfStock => Verdict::Rejected("out_of_stock"),
            Self::CardDeclined => Verdict::Rejected("card_declined"),
            Self::InvalidQuantity => Verdict::Rejected("invalid_quantity"),
            Self::Upstream(_) => Verdict::Failed("upstream"),
            Self::Unreachable(_) => Verdict::Failed("unreachable"),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownSku => StatusCode::NOT_FOUND,
            Self::OutOfStock => StatusCode::CONFLICT,
            Self::CardDeclined => StatusCode::PAYMENT_REQUIRED,
            Self::InvalidQuantity => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Upstream(_) | Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

impl From<reqwest_middleware::Error> for CheckoutError {
    fn from(error: reqwest_middleware::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<reqwest::Error> for CheckoutError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error.into())
    }
}

impl IntoResponse for CheckoutError {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}
