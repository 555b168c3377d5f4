//! The parts of a pipeline that instrumentation uses: given explicitly, or the installed ones.

pub(super) mod handle;
mod installed;
mod lazy;

pub use handle::{Providers, ProvidersBuilder, StartSpans};
pub use installed::DefaultGuard;
pub use lazy::{Lazy, PerProviders};
