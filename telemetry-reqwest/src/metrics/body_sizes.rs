//! The histograms of body sizes, in bytes.

use std::sync::Arc;

use opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use telemetry_api::instrument::series::SeriesCache;
use telemetry_semconv::http::{
    BODY_SIZE_BOUNDS, CLIENT_REQUEST_BODY_SIZE, CLIENT_RESPONSE_BODY_SIZE,
};

use super::{key::AttemptKey, limits::MAX_SERIES};

#[derive(Debug)]
pub(super) struct BodySizeHistograms {
    request: Histogram<u64>,
    response: Histogram<u64>,
    series: SeriesCache<AttemptKey, Arc<[BoundHistogram<u64>; 2]>>,
}

impl BodySizeHistograms {
    pub(super) fn new(meter: &Meter) -> Self {
        let histogram = |name, description| {
            meter
                .u64_histogram(name)
                .with_description(description)
                .with_unit("By")
                .with_boundaries(BODY_SIZE_BOUNDS.to_vec())
                .build()
        };
        Self {
            request: histogram(
                CLIENT_REQUEST_BODY_SIZE,
                "Size of HTTP client request bodies.",
            ),
            response: histogram(
                CLIENT_RESPONSE_BODY_SIZE,
                "Size of HTTP client response bodies.",
            ),
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    /// Records the sizes that are known.
    pub(super) fn record(&self, key: &AttemptKey, request: Option<u64>, response: Option<u64>) {
        let series = self.series.get(key, |series| {
            let attributes = AttemptKey::attributes_of(series);
            Arc::new([
                self.request.bind(&attributes),
                self.response.bind(&attributes),
            ])
        });
        for (series, bytes) in series.iter().zip([request, response]) {
            if let Some(bytes) = bytes {
                series.record(bytes);
            }
        }
    }
}
