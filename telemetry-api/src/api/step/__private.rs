//! The parts that `#[step]` expands to. Not for use by hand, and free to change.
//!
//! The macro sees a function's tokens, not its types. Method resolution finds the first of these traits that fits the
//! output: a `Result` of an error with causes; of a box with one inside; an output that says itself how the step ended; a
//! `Result` of an error without text; a value, and so ok.

use std::{any::type_name, error::Error, fmt::Display, future::Future};

use opentelemetry::{StringValue, Value};

use crate::instrument::{described::stable_name, text};

use super::{
    description::Step,
    future::StepFuture,
    output::{Explained, Judge, StepOutput, Verdict, by_causes, by_itself, of_output},
};

pub use super::{description::wants_attributes, output::Judgement};

pub fn run<F: Future, C: Judge<F::Output>>(step: Step, future: F, judge: C) -> StepFuture<F, C> {
    StepFuture::new(step, future, judge)
}

pub fn in_scope<T>(step: Step, work: impl FnOnce() -> T, judge: impl Judge<T>) -> T {
    step.in_scope_judged(work, judge)
}

/// Tells the compiler that the closure may move the values it has captured.
pub fn once<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[derive(Debug)]
pub struct Of<'a, T>(pub &'a T);

pub trait OfError<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T, E: Error> OfError<'a> for &&&&&Of<'a, Result<T, E>> {
    fn judge(&self) -> Judgement<'a> {
        by_causes(self.0)
    }
}

/// anyhow, eyre, and the usual box.
pub trait OfReport<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T, E> OfReport<'a> for &&&&Of<'a, Result<T, E>>
where
    E: AsRef<dyn Error + Send + Sync + 'static>,
{
    fn judge(&self) -> Judgement<'a> {
        boxed(self.0, |error| error.as_ref())
    }
}

pub trait OfBox<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T, E: AsRef<dyn Error + 'static>> OfBox<'a> for &&&Of<'a, Result<T, E>> {
    fn judge(&self) -> Judgement<'a> {
        boxed(self.0, |error| error.as_ref())
    }
}

fn boxed<'a, T, E>(
    output: &'a Result<T, E>,
    inside: fn(&'a E) -> &'a (dyn Error + 'static),
) -> Judgement<'a> {
    match output {
        Ok(_) => Verdict::Ok.into(),
        Err(error) => by_itself(Explained::Boxed(inside(error))),
    }
}

pub trait OfOutput<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T: StepOutput> OfOutput<'a> for &&Of<'a, T> {
    fn judge(&self) -> Judgement<'a> {
        of_output(self.0)
    }
}

pub trait OfResult<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T, E> OfResult<'a> for &Of<'a, Result<T, E>> {
    fn judge(&self) -> Judgement<'a> {
        match self.0 {
            Ok(_) => Verdict::Ok.into(),
            Err(_) => Verdict::Failed(stable_name(type_name::<E>())).into(),
        }
    }
}

pub trait OfValue<'a> {
    fn judge(&self) -> Judgement<'a>;
}

impl<'a, T> OfValue<'a> for Of<'a, T> {
    fn judge(&self) -> Judgement<'a> {
        Verdict::Ok.into()
    }
}

/// An argument that becomes an attribute: numbers and truth keep their type, other values become text.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized>(pub &'a T);

pub trait TypedArgument {
    fn value(&self) -> Value;
}

macro_rules! typed {
    ($($ty:ty: |$value:ident| $convert:expr;)*) => {$(
        impl TypedArgument for &Argument<'_, $ty> {
            fn value(&self) -> Value {
                let $value = *self.0;
                $convert.into()
            }
        }

        impl TypedArgument for &Argument<'_, &$ty> {
            fn value(&self) -> Value {
                let $value = **self.0;
                $convert.into()
            }
        }
    )*};
}

typed! {
    bool: |value| value;
    i8: |value| i64::from(value);
    i16: |value| i64::from(value);
    i32: |value| i64::from(value);
    i64: |value| value;
    u8: |value| i64::from(value);
    u16: |value| i64::from(value);
    u32: |value| i64::from(value);
    u64: |value| i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from);
    usize: |value| i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::from);
    f32: |value| f64::from(value);
    f64: |value| value;
}

pub trait TextArgument {
    fn value(&self) -> Value;
}

impl<T: Display + ?Sized> TextArgument for Argument<'_, T> {
    fn value(&self) -> Value {
        Value::String(StringValue::from(text::of(&self.0)))
    }
}
