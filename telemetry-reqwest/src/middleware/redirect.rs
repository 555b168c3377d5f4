//! The log of a redirect to a host that is not allowed.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

/// The host of a response without a URL, such as one out of a cache. reqwest makes it up.
const NO_URL: &str = "no.url.provided.local";

/// Logs the first response of a host outside of the allow-list. The headers were sent and cannot be taken back, but the
/// log tells how to prevent the next case.
#[derive(Debug, Default)]
pub(super) struct RedirectLog {
    logged: AtomicBool,
}

impl RedirectLog {
    pub(super) fn log_once(&self, url: &Url) {
        if url.host_str() != Some(NO_URL) && !self.logged.swap(true, Ordering::Relaxed) {
            log(url);
        }
    }
}

#[cold]
fn log(url: &Url) {
    tracing::warn!(
        target: "telemetry",
        host = url.host_str().unwrap_or_default(),
        "a call was redirected to a host outside of with_propagation_to, and reqwest sent trace context, baggage and \
         correlation id on to it; build the client with telemetry_reqwest::client_with or Hosts::redirect_policy \
         (reported once)"
    );
}
