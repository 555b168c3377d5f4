//! Business steps: work that no automatic instrumentation can know, in one verb.

mod description;
mod forms;
mod future;
mod guard;
mod log;
mod outcome;
mod output;
mod running;
mod step_metrics;

#[doc(hidden)]
pub mod __private;

pub use description::{Step, step};
pub use future::StepFuture;
pub use guard::StepGuard;
pub use output::{StepOutput, Verdict};
