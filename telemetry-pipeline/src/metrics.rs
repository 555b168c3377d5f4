//! Metrics: views, export by OTLP and the text of `/metrics`.

pub(crate) mod guarded_meters;
pub(crate) mod metric_export;
pub(crate) mod metric_parts;
pub(crate) mod metric_reader;
pub(crate) mod prometheus;
pub(crate) mod settings;
pub(crate) mod start;
pub(crate) mod views;
