//! Metrics: views, export by OTLP and the text of `/metrics`.

pub(crate) mod console;
mod definitions;
pub(crate) mod guarded_meters;
pub(crate) mod metric_export;
pub(crate) mod metric_parts;
pub(crate) mod metric_reader;
pub(crate) mod overflow;
pub(crate) mod prometheus;
mod rising;
pub(crate) mod settings;
pub(crate) mod start;
pub(crate) mod views;
