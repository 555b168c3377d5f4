//! Metrics of a `prometheus-client` registry beside OpenTelemetry's.

use std::sync::Arc;

use prometheus_client::{encoding::text::encode_registry, registry::Registry};

use crate::instrument::providers::Providers;

impl Providers {
    /// Shows a `prometheus-client` registry at `/metrics`, too; whether a pull output is configured. For services
    /// that have such metrics already, and for ones that need their speed or exemplars. Its metrics are not pushed by
    /// OTLP.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use prometheus_client::{metrics::counter::Counter, registry::Registry};
    /// use telemetry_api::instrument::scrape::ScrapeFormat;
    /// use telemetry_pipeline::testing::TestTelemetry;
    ///
    /// let mut registry = Registry::default();
    /// let orders = Counter::<u64>::default();
    /// registry.register("orders", "Orders taken", orders.clone());
    /// let telemetry = TestTelemetry::new();
    /// telemetry.providers().merge_registry(Arc::new(registry));
    /// orders.inc();
    /// let text = telemetry.providers().scrape(ScrapeFormat::Prometheus).unwrap();
    /// assert!(text.contains("orders_total 1\n"));
    /// ```
    pub fn merge_registry(&self, registry: Arc<Registry>) -> bool {
        self.merge_metrics(Arc::new(move || {
            let mut text = String::new();
            // Writing to a String cannot fail. If an encoder of the application fails, its text so far stays.
            let _ = encode_registry(&mut text, &registry);
            text
        }))
    }
}
