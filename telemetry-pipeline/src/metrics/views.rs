//! Views: what becomes of instruments that somebody else defined.

mod apply;
mod view;

pub(crate) use apply::apply;
pub use view::{InstrumentKind, View};

#[cfg(test)]
mod tests;
