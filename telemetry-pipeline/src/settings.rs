//! Settings: a constant for each variable, and the sources of their values.
//!
//! Code beats environment beats declarative file beats default, for each setting by itself. With a file, the OTEL_*
//! variables of the environment have no effect. A general setting of a stronger source beats a special one of a weaker.

pub(crate) mod batches;
pub(crate) mod exporters;
mod file;
mod groups;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod otlp;
mod report;
mod resolver;
pub(crate) mod service;
mod source;
mod syntax;
pub(crate) mod traces;

pub use report::{Report, ReportEntry};
pub(crate) use resolver::{LiveSettings, Settings};
pub(crate) use source::Environment;
pub use source::Source;
pub(crate) use syntax::{Headers, redact_endpoint};

#[cfg(test)]
mod tests;
