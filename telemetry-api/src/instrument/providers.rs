//! The parts of a pipeline that instrumentation uses: given explicitly, or the installed ones.

pub(super) mod handle;
mod installed;
mod lazy;
mod lazy_setting;

pub use handle::{Providers, ProvidersBuilder, StartSpans};
pub use installed::DefaultGuard;
pub use lazy::{Lazy, PerProviders};
pub use lazy_setting::LazySetting;
