//! The verdict on a step, out of its output.

use std::{any::type_name, error::Error, fmt, fmt::Display};

use crate::instrument::{
    described::{Described, OTHER, stable_name},
    redaction::Redaction,
};

/// The meaning of an output or an error to the business.
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
/// | `Err(error)` | error, with the name of its type as `error.type` and its text as description; `_OTHER` for anyhow, eyre and boxes |
/// | `None` | rejected, with the reason `none` |
pub trait StepOutput {
    /// The meaning of this output.
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
            Err(_) => Verdict::Failed(stable_name(type_name::<E>())),
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
    pub(super) error: Option<Explained<'a>>,
}

/// The error that explains a failure, by as much as is known of it.
#[derive(Clone, Copy)]
pub(super) enum Explained<'a> {
    /// An error without a type of its own.
    Text(&'a dyn Display),
    /// A value of this type, by its text.
    Typed(&'static str, &'a dyn Display),
    /// An error of this type, by its causes.
    Error(&'static str, &'a dyn Error),
    /// An error inside of a box, anyhow or eyre.
    Boxed(&'a (dyn Error + 'static)),
}

impl Explained<'_> {
    pub(super) fn describe(self, redaction: &Redaction) -> Described {
        match self {
            Self::Text(text) => Described::text("", text, redaction),
            Self::Typed(name, text) => Described::text(name, text, redaction),
            Self::Error(name, error) => Described::error(name, error, redaction),
            Self::Boxed(error) => Described::boxed(error, redaction),
        }
    }
}

/// A failure whose `error.type` is the type of the error.
pub(super) fn by_itself(error: Explained<'_>) -> Judgement<'_> {
    Judgement {
        verdict: Verdict::Failed(OTHER),
        error: Some(error),
    }
}

/// The judgement of a `Result` by the type and the causes of its error.
pub(super) fn by_causes<T, E: Error>(output: &Result<T, E>) -> Judgement<'_> {
    match output {
        Ok(_) => Verdict::Ok.into(),
        Err(error) => by_itself(Explained::Error(type_name::<E>(), error)),
    }
}

/// The output's own judgement.
pub(super) fn of_output<T: StepOutput>(output: &T) -> Judgement<'_> {
    Judgement {
        verdict: output.verdict(),
        error: output.error().map(Explained::Text),
    }
}

/// A `Result` whose errors the application classifies.
pub(super) fn by_error<T, E: Display>(
    classify: impl Fn(&E) -> Verdict,
) -> impl Judge<Result<T, E>> {
    judged(move |output: &Result<T, E>| match output {
        Ok(_) => Verdict::Ok.into(),
        Err(error) => Judgement {
            verdict: classify(error),
            error: Some(Explained::Typed(type_name::<E>(), error)),
        },
    })
}

/// An output that the application classifies.
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
        }
    }
}

impl fmt::Debug for Judgement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)
    }
}

/// The function that decides how a step ended.
pub trait Judge<T>: for<'a> Fn(&'a T) -> Judgement<'a> {}

impl<T, C: for<'a> Fn(&'a T) -> Judgement<'a>> Judge<T> for C {}
