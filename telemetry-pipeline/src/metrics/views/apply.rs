//! Views in the SDK, and in what joins exemplars.

use std::sync::Arc;

use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, MeterProviderBuilder, Stream,
};

use super::view::{View, exponential};
use telemetry_api::instrument::exemplar::ExemplarStore;

/// Adds the views, which are valid. `exponential_histograms`: histograms whose buckets no view sets are exponential.
pub(crate) fn apply(
    mut builder: MeterProviderBuilder,
    views: Vec<View>,
    exponential_histograms: bool,
    exemplars: &Arc<ExemplarStore>,
) -> MeterProviderBuilder {
    let views: Arc<[View]> = views.into();
    for at in 0..views.len() {
        let (views, exemplars) = (views.clone(), exemplars.clone());
        builder = builder.with_view(move |instrument: &Instrument| {
            let mut view = views
                .get(at)
                .filter(|view| view.selects(instrument))?
                .clone();
            if exponential_histograms && instrument.kind() == InstrumentKind::Histogram {
                view.aggregation.get_or_insert_with(exponential);
            }
            let stream = view.stream().ok()?;
            let name = view.name.as_deref().unwrap_or(instrument.name());
            let dropped = matches!(view.aggregation, Some(Aggregation::Drop));
            let exported = (!dropped).then_some(name);
            exemplars.viewed(instrument.name(), exported, view.keys.as_ref());
            Some(stream)
        });
    }
    if exponential_histograms {
        builder = builder.with_view(move |instrument: &Instrument| {
            let others = instrument.kind() != InstrumentKind::Histogram;
            if others || views.iter().any(|view| view.selects(instrument)) {
                return None;
            }
            Stream::builder()
                .with_aggregation(exponential())
                .build()
                .ok()
        });
    }
    builder
}
