//! Why the demo ends early: one line, or few, for the person in front of it.

/// The reason, as it is printed.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// An attempt that may be repeated: not yet there, or over for good.
#[derive(Debug)]
pub(crate) enum Unmet {
    /// The part that is still missing.
    Yet(String),
    /// Why it will not come.
    Ever(Failure),
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Failure> for Unmet {
    fn from(failure: Failure) -> Self {
        Self::Ever(failure)
    }
}
