//! The parts that the application's handlers and middleware use.

pub(crate) mod correlation_extractor;
pub(crate) mod identify;
pub(crate) mod operation_name;
