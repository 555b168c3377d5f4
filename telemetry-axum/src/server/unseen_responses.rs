//! A warning about the first response that no telemetry layer has seen.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, response::Response};
use http::Request;
use hyper::body::Incoming;
use tower_service::Service;

use crate::{options::attribute_limit::limited, request::seen};

/// True once the warning has been given. One warning for each server is enough.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnseenResponses(Arc<AtomicBool>);

impl UnseenResponses {
    /// Serves the request, and warns if no layer has seen it.
    pub(crate) fn watch(
        &self,
        router: &mut Router,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        let unseen = self.clone();
        let uri = (!unseen.is_told()).then(|| request.uri().clone());
        let (answered, mut is_seen) = seen::watch(|| router.call(request));
        async move {
            let mut answered = pin!(answered);
            let response = poll_fn(|cx| {
                let (polled, seen) = seen::watch(|| answered.as_mut().poll(cx));
                is_seen |= seen;
                polled
            });
            let response = response.await?;
            if !is_seen && let Some(uri) = uri {
                unseen.warn(limited(uri.path()));
            }
            Ok(response)
        }
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    #[cold]
    fn warn(&self, path: &str) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "telemetry",
                path,
                "a response was sent that no TelemetryLayer has seen: it has no span, no metrics and no correlation id. \
                Add the layer after all routes, because it covers only those that the router has by then"
            );
        }
    }
}
