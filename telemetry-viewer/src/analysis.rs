//! What the spans of a trace tell together.

pub(crate) mod compare;
pub(crate) mod critical_path;
pub(crate) mod findings;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod forest;
pub(crate) mod outline;
pub(crate) mod self_time;
pub(crate) mod service_map;
pub(crate) mod timeline;

#[cfg(test)]
mod tests;
