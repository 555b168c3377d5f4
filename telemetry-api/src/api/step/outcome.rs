//! The ways a step can end.

use telemetry_semconv::outcome;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    Ok,
    Rejected,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => outcome::OK,
            Self::Rejected => outcome::REJECTED,
            Self::Error => outcome::ERROR,
            Self::Cancelled => outcome::CANCELLED,
            Self::Panicked => outcome::PANICKED,
        }
    }
}
