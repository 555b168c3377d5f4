//! The metrics of the server: instruments, and the handles of their series.
//!
//! All of them use one design of a cache, [`SeriesCache`](telemetry_api::instrument::series::SeriesCache): label values lead to a
//! handle that was bound once, the number of entries is bounded, and a look-up takes no lock. A request looks up its
//! [`RequestGroup`](request_group::RequestGroup) by the labels that are known at its start. At its end it looks up the
//! series of the group by the labels that are known then.

pub(crate) mod active_requests;
pub(crate) mod body_sizes;
pub(crate) mod call_metrics;
pub(crate) mod first_text;
pub(crate) mod instrumentation_scope;
pub(crate) mod request_group;
pub(crate) mod request_metrics;
pub(crate) mod request_series;
