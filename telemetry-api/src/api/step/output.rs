//! What the output of a step says about how it ended.

use std::{any::type_name, fmt, fmt::Display};

/// What an output or an error means to the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All went well, such as for an error that only says that there was nothing to do.
    Ok,
    /// The step worked and the answer is no, such as a declined card. Nobody needs to be woken.
    Rejected(&'static str),
    /// The step failed, with its `error.type`.
    Failed(&'static str),
}

/// An output that says how its step ended. Implement it for your own types; for foreign ones there are
/// [`Step::run_classified`](super::Step::run_classified) and
/// [`Step::in_scope_classified`](super::Step::in_scope_classified).
///
/// | output | outcome |
/// |---|---|
/// | `()` | ok |
/// | `Ok(_)`, `Some(_)` | ok |
/// | `Err(error)` | error, with the name of its type as `error.type` and its text as description |
/// | `None` | rejected, with the reason `none` |
pub trait StepOutput {
    /// What it means.
    fn verdict(&self) -> Verdict;

    /// The error that explains a failure. Default: none.
    fn error(&self) -> Option<&dyn Display> {
        None
    }
}

impl StepOutput for () {
    fn verdict(&self) -> Verdict {
        Verdict::Ok
    }
}

impl<T> StepOutput for Option<T> {
    fn verdict(&self) -> Verdict {
        match self {
            Some(_) => Verdict::Ok,
            None => Verdict::Rejected("none"),
        }
    }
}

impl<T, E: Display> StepOutput for Result<T, E> {
    fn verdict(&self) -> Verdict {
        match self {
            Ok(_) => Verdict::Ok,
            Err(_) => Verdict::Failed(type_name::<E>()),
        }
    }

    fn error(&self) -> Option<&dyn Display> {
        self.as_ref().err().map(|error| error as &dyn Display)
    }
}

/// A verdict and the error that explains it.
#[derive(Clone, Copy)]
pub struct Judgement<'a> {
    pub(super) verdict: Verdict,
    pub(super) error: Option<&'a dyn Display>,
    /// The name of the error's type, where it is not its `error.type`.
    pub(super) error_name: Option<&'static str>,
}

/// What the output itself says.
pub(super) fn of_output<T: StepOutput>(output: &T) -> Judgement<'_> {
    Judgement {
        verdict: output.verdict(),
        error: output.error(),
        error_name: None,
    }
}

/// A `Result` whose errors somebody classifies.
pub(super) fn by_error<T, E: Display>(
    classify: impl Fn(&E) -> Verdict,
) -> impl Judge<Result<T, E>> {
    judged(move |output: &Result<T, E>| match output {
        Ok(_) => Verdict::Ok.into(),
        Err(error) => Judgement {
            verdict: classify(error),
            error: Some(error),
            error_name: Some(type_name::<E>()),
        },
    })
}

/// An output that somebody classifies.
pub(super) fn by_value<T>(classify: impl Fn(&T) -> Verdict) -> impl Judge<T> {
    judged(move |output: &T| classify(output).into())
}

/// Tells the compiler how the lifetimes of the closure hang together.
fn judged<T, C: for<'a> Fn(&'a T) -> Judgement<'a>>(judge: C) -> C {
    judge
}

impl From<Verdict> for Judgement<'_> {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            error: None,
            error_name: None,
        }
    }
}

impl fmt::Debug for Judgement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)
    }
}

/// What decides how a step ended.
pub trait Judge<T>: for<'a> Fn(&'a T) -> Judgement<'a> {}

impl<T, C: for<'a> Fn(&'a T) -> Judgement<'a>> Judge<T> for C {}
