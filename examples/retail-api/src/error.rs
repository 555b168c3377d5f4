//! The errors that retail-api answers in place of a result.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no such article.
    #[error("unknown sku")]
    UnknownSku,
    /// Less is left than was asked for.
    #[error("out of stock")]
    OutOfStock,
    /// The bank said no.
    #[error("card declined")]
    CardDeclined,
    /// The payment is not there, or was captured or voided before.
    #[error("payment is not authorized")]
    NotAuthorized,
    /// The payment gateway is down.
    #[error("payment gateway unavailable")]
    GatewayDown,
    /// The database failed.
    #[error("database failed")]
    Database(#[from] sqlx::Error),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownSku => StatusCode::NOT_FOUND,
            Self::OutOfStock => StatusCode::CONFLICT,
            Self::CardDeclined => StatusCode::PAYMENT_REQUIRED,
            Self::NotAuthorized => StatusCode::UNPROCESSABLE_ENTITY,
            Self::GatewayDown | Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            let cause = std::error::Error::source(&self).map(ToString::to_string);
            tracing::error!(cause, "{self}");
        } else {
            tracing::info!(status = status.as_u16(), "refused: {self}");
        }
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
