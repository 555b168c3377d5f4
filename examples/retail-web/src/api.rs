//! The client of retail-api.

use std::time::Duration;

use axum::http::{StatusCode, header::USER_AGENT};
use reqwest::{Method, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde::Deserialize;
use serde_json::json;
use telemetry_core::step;
use telemetry_reqwest::{Hosts, TelemetryMiddleware};

use crate::{args::StartError, error::CheckoutError, metrics::FLOW};

const AGENT: &str = concat!("retail-web/", env!("CARGO_PKG_VERSION"));

/// retail-api, as retail-web sees it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct RetailApi {
    client: ClientWithMiddleware,
    plain: reqwest::Client,
    base: String,
}

impl RetailApi {
    /// A client for this base URL.
    ///
    /// # Errors
    ///
    /// When it is no URL.
    pub fn new(base: &str) -> Result<Self, StartError> {
        // Only retail-api is told on whose behalf it is called.
        let ours = reqwest::Url::parse(base).ok().and_then(|url| {
            Some(format!(
                "{}:{}",
                url.host_str()?,
                url.port_or_known_default()?
            ))
        });
        let middleware = TelemetryMiddleware::new()
            .with_propagation_to(Hosts::new(ours))
            .with_user_agent();
        Self::with_middleware(base, middleware)
    }

    /// [`new`](Self::new) with a middleware of the caller's, for several services in one process.
    ///
    /// # Errors
    ///
    /// When it is no URL.
    pub fn with_middleware(
        base: &str,
        middleware: impl reqwest_middleware::Middleware,
    ) -> Result<Self, StartError> {
        let fail = |reason: String| StartError::Api {
            url: base.to_owned(),
            reason,
        };
        let url = reqwest::Url::parse(base).map_err(|error| fail(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fail(
                "it does not start with http:// or https://".to_owned(),
            ));
        }
        let plain = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            // It never redirects, and what is sent to it is for nobody else.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let plain = plain.map_err(|error| fail(error.to_string()))?;
        let client = ClientBuilder::new(plain.clone()).with(middleware).build();
        Ok(Self {
            client,
            plain,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// The price of one piece in cents, if there are enough of them.
    #[step(name = "Verify_Inventory_Status", flow = FLOW, stage = "inventory", classify = CheckoutError::verdict)]
    pub(crate) async fn verify_inventory(
        &self,
        sku: &str,
        quantity: u32,
    ) -> Result<i64, CheckoutError> {
        #[derive(Deserialize)]
        struct Stock {
            available: bool,
            unit_price_cents: i64,
        }

        let quantity = quantity.to_string();
        let request = self
            .request(Method::GET, "/inventory/check")
            .query(&[("sku", sku), ("qty", &quantity)]);
        let response = request.send().await?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(CheckoutError::UnknownSku),
            _ => {
                let stock: Stock = succeeded(response)?.json().await?;
                if stock.available {
                    Ok(stock.unit_price_cents)
                } else {
                    Err(CheckoutError::OutOfStock)
                }
            }
        }
    }

    /// Authorises the amount on the card and answers the payment's id.
    #[step(
        name = "Execute_Payment_Charge",
        flow = FLOW,
        stage = "payment",
        classify = CheckoutError::verdict,
        attrs(retail.card = sensitive(card)),
    )]
    pub(crate) async fn charge_payment(
        &self,
        amount_cents: i64,
        card: &str,
    ) -> Result<i64, CheckoutError> {
        #[derive(Deserialize)]
        struct Payment {
            payment_id: i64,
        }

        let body = json!({ "amount_cents": amount_cents, "card": card });
        let response = self
            .request(Method::POST, "/payment/charge")
            .json(&body)
            .send()
            .await?;
        match response.status() {
            StatusCode::PAYMENT_REQUIRED => Err(CheckoutError::CardDeclined),
            _ => Ok(succeeded(response)?.json::<Payment>().await?.payment_id),
        }
    }

    /// Creates the order, which captures the payment, and answers the order's id.
    #[step(name = "Create_Order_Record", flow = FLOW, stage = "order", classify = CheckoutError::verdict)]
    pub(crate) async fn create_order(
        &self,
        sku: &str,
        quantity: u32,
        payment_id: i64,
    ) -> Result<i64, CheckoutError> {
        #[derive(Deserialize)]
        struct Order {
            order_id: i64,
        }

        let body = json!({ "sku": sku, "quantity": quantity, "payment_id": payment_id });
        let response = self
            .request(Method::POST, "/orders")
            .json(&body)
            .send()
            .await?;
        match response.status() {
            // Somebody else bought the last one since stage one.
            StatusCode::CONFLICT => Err(CheckoutError::OutOfStock),
            _ => Ok(succeeded(response)?.json::<Order>().await?.order_id),
        }
    }

    /// True if retail-api answers at all: for readiness, so it is not traced.
    pub(crate) async fn reachable(self) -> Result<(), reqwest::Error> {
        self.plain
            .get(format!("{}/livez", self.base))
            .send()
            .await?
            .error_for_status()
            .map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header(USER_AGENT, AGENT)
    }
}

fn succeeded(response: Response) -> Result<Response, CheckoutError> {
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(CheckoutError::Upstream(response.status()))
    }
}
