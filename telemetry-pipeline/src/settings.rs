//! Where every setting comes from: one registry of what there is, one resolver of what counts.
//!
//! Code beats environment beats declarative file beats default, for each setting and in this place only. A general
//! setting of a stronger source beats a special one of a weaker: OTEL_EXPORTER_OTLP_ENDPOINT in the environment beats
//! the endpoint of traces in the file.

mod file;
mod kind;
mod registry;
mod report;
mod resolver;

pub(crate) use kind::{header, redact_endpoint};
pub use report::{Report, ReportEntry, Source};
pub(crate) use resolver::{Env, Environment};

#[cfg(test)]
mod tests;
