//! The `tracing` subscriber of a pipeline: the layers of log lines, of the application's spans and of
//! carried contexts.

use std::sync::Arc;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Dispatch, level_filters::LevelFilter};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

use crate::{
    logs::{FilterHandle, LogLayer, LogOutput},
    traces::{
        application_spans::{ApplicationSpans, OwnSubscriber, bridge},
        carried_contexts::{CarriedContexts, CarriersOnly},
    },
};

/// A subscriber with these filters. Without a provider the application's spans are not recorded.
pub(crate) fn subscriber(
    output: Arc<LogOutput>,
    filters: &FilterHandle,
    spans: Option<&SdkTracerProvider>,
) -> Dispatch {
    let own = OwnSubscriber::default();
    let spans = spans.map(|provider| {
        // Within one filter, so that it costs an event nothing.
        let found = bridge(provider).with_filter(LevelFilter::OFF);
        ApplicationSpans::new(provider, own.clone())
            .and_then(found)
            .with_filter(filters.of_spans())
    });
    let logs = LogLayer(output.clone()).with_filter(filters.of_logs());
    // The innermost: the other layers see the context that it makes current.
    let carried = CarriedContexts.with_filter(CarriersOnly);
    let layers = Registry::default().with(carried).with(spans);
    let dispatch = Dispatch::new(layers.with(logs));
    filters.belong_to(&dispatch);
    output.belong_to(&dispatch);
    let _ = own.set(dispatch.downgrade());
    dispatch
}
