//! The parts of this crate that only a pipeline calls.
//!
//! A pipeline builds [`Providers`](super::Providers) with [`Providers::starting`](super::Providers::starting) and installs
//! them. It starts spans through [`StartSpan`], finds exemplars through [`StreamExemplars`], and reads the correlation id
//! and the principal from the current context. Any crate can be written against this module.

pub use super::{
    exception::{is_new as is_new_error, panic_logged},
    exemplar::{KeptKeys, StreamExemplars},
    hex::encode as encode_hex,
    principal::{Shown as ShownPrincipal, is_key as is_principal_key},
    providers::StartSpans,
    random::{span_id, trace_id},
    sensitive::install_hash_key,
    tracer::StartSpan,
};
