//! The calls of applications and libraries: steps, metrics, the current span, identity, messages, tasks.

pub mod business_metrics;
pub mod correlation;
pub mod current_span;
pub mod messaging;
pub mod principal;
pub mod sensitive;
pub mod step;
pub mod task;

pub use business_metrics::{
    Counter, Gauge, Histogram, UpDownCounter, counter, gauge, histogram, up_down_counter,
};
pub use correlation::CorrelationId;
pub use current_span::{current_span, entry_span, record_error, set_attribute};
pub use principal::Principal;
pub use step::{StepGuard, StepOutput, Verdict, step};
