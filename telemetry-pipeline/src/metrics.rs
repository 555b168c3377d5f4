//! Metrics: views, export by OTLP and the text of `/metrics`.

pub(crate) mod console;
pub(crate) mod guarded_meters;
pub(crate) mod metric_export;
pub(crate) mod overflow;
pub(crate) mod prometheus;
pub(crate) mod views;
