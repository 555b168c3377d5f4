//! The `tracing` subscriber of a pipeline: the layer of log lines and the layer of the application's spans.

use std::sync::Arc;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use crate::{
    logs::{FilterHandle, LogLayer, LogOutput},
    traces::application_spans,
};

/// A subscriber with these filters. Without a provider the application's spans are not recorded.
pub(crate) fn subscriber(
    output: Arc<LogOutput>,
    filters: &FilterHandle,
    spans: Option<&SdkTracerProvider>,
) -> Dispatch {
    let spans =
        spans.map(|provider| application_spans::layer(provider).with_filter(filters.of_spans()));
    let logs = LogLayer(output.clone()).with_filter(filters.of_logs());
    let dispatch = Dispatch::new(Registry::default().with(spans).with(logs));
    filters.belong_to(&dispatch);
    output.belong_to(&dispatch);
    dispatch
}
