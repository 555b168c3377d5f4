//! The settings of the pipeline, by the headings of docs/configuration.md.

use telemetry_api::instrument::settings::AnySetting;

use super::{batches, exporters, identity, limits, logs, metrics, otlp, service, traces};

static OWN_LEVEL: &[&dyn AnySetting] = &[&logs::OWN_LEVEL];

/// The lists of each heading, in the order of the document.
pub(crate) static GROUPS: [(&str, &[&[&dyn AnySetting]]); 11] = [
    ("Service and process", &[service::LIST, OWN_LEVEL]),
    ("Exporters", &[exporters::LIST]),
    ("Propagation and sampling", &[traces::LIST]),
    ("Logs", &[logs::LIST]),
    ("OTLP", &[otlp::LIST]),
    ("OTLP metrics", &[metrics::OF_OTLP]),
    ("Batches of spans", &[batches::OF_SPANS]),
    ("Batches of log records", &[batches::OF_RECORDS]),
    ("Metrics", &[metrics::LIST]),
    ("Limits", &[limits::LIST]),
    ("Identity", &[identity::LIST]),
];

/// All settings of the pipeline.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn AnySetting> {
    let lists = GROUPS.iter().flat_map(|(_, lists)| lists.iter());
    lists.flat_map(|list| list.iter().copied())
}
