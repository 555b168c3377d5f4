//! The interface of a pipeline: the parts of this crate that it gives, and those that it calls.
//!
//! A pipeline gives
//!
//! | part | by | without it |
//! |---|---|---|
//! | a [`StartSpan`] for each instrumentation scope | [`Providers::starting`](super::Providers::starting); for a tracer of OpenTelemetry [`Providers::builder`](super::Providers::builder) | |
//! | a `MeterProvider` of the OpenTelemetry API, with bound instruments | the same | |
//! | the facts about its sampler, a [`LiveSamplingHint`] | `with_sampling_hint` | every span asks the sampler, with all attributes |
//! | the formats of headers, a `Propagation` | `with_propagation` | W3C Trace Context and Baggage |
//! | the store of exemplars that its reader joins to metrics, an [`ExemplarStore`] | `with_exemplars` | no exemplars |
//! | the text of `/metrics`, a [`Scrape`] | `with_scrape` | none |
//! | values of settings, [`SettingValues`] | `with_settings` | the environment of the process |
//!
//! and makes them the providers of the process by `install`. From then on it calls [`panic_logged`] from its panic hook, reads
//! the correlation id and the principal out of contexts, and reaches the current context through
//! [`context`](super::context), which is safe while a thread ends. Adapters and steps work with any pipeline that does this;
//! `tests/toy_pipeline.rs` has one of a hundred lines.

pub use super::{
    exception::{is_new as is_new_error, panic_logged},
    exemplar::{ExemplarStore, KeptKeys, StreamExemplars},
    hex::encode as encode_hex,
    principal::{Shown as ShownPrincipal, is_key as is_principal_key},
    providers::StartSpans,
    random::{span_id, trace_id},
    scrape::Scrape,
    sensitive::install_hash_key,
    settings::SettingValues,
    tracer::{LiveSamplingHint, SamplingHint, StartSpan},
};
