//! The opt-in histograms of body sizes.

use std::sync::OnceLock;

use opentelemetry::metrics::{Histogram, Meter};
use telemetry_semconv::http::{
    BODY_SIZE_BOUNDS, SERVER_REQUEST_BODY_SIZE, SERVER_RESPONSE_BODY_SIZE,
};

use super::request_series::RequestSeries;

/// The two instruments. They are made when a layer first asks for them, so that a service without the option does not
/// have them.
#[derive(Debug)]
pub(crate) struct BodySizes {
    meter: Meter,
    instruments: OnceLock<[Histogram<u64>; 2]>,
}

impl BodySizes {
    pub(crate) fn new(meter: Meter) -> Self {
        Self {
            meter,
            instruments: OnceLock::new(),
        }
    }

    /// Records the sizes of both bodies, in bytes. The request's is left out if nothing has counted it.
    pub(crate) fn record(&self, series: &RequestSeries, request: Option<u64>, response: u64) {
        let [requests, responses] = series.sizes.get_or_init(|| {
            let instruments = self.instruments.get_or_init(|| instruments(&self.meter));
            instruments.each_ref().map(|it| it.bind(&series.attributes))
        });
        if let Some(request) = request {
            requests.record(request);
        }
        responses.record(response);
    }
}

fn instruments(meter: &Meter) -> [Histogram<u64>; 2] {
    let descriptions = [
        (
            SERVER_REQUEST_BODY_SIZE,
            "Size of HTTP server request bodies.",
        ),
        (
            SERVER_RESPONSE_BODY_SIZE,
            "Size of HTTP server response bodies.",
        ),
    ];
    descriptions.map(|(name, description)| {
        meter
            .u64_histogram(name)
            .with_description(description)
            .with_unit("By")
            .with_boundaries(BODY_SIZE_BOUNDS.to_vec())
            .build()
    })
}
