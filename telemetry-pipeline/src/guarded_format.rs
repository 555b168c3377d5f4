//! Formatters of the application, which may fail or panic while a line is written.

use std::{
    error::Error,
    fmt::{self, Write},
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The mark of a value whose formatter returned an error.
const FAILED: &str = "<formatting failed>";

/// The mark of a value whose formatter panicked.
const PANICKED: &str = "<formatting panicked>";

/// Writes a value. Returns the mark that belongs after the text so far if the value could not be written to its end.
pub(crate) fn write(text: &mut impl Write, value: fmt::Arguments<'_>) -> Option<&'static str> {
    // The text is ours and whole after each part; a broken value of the application is not used again here.
    match catch_unwind(AssertUnwindSafe(|| text.write_fmt(value))) {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some(FAILED),
        Err(_) => Some(PANICKED),
    }
}

/// A value as text, with its mark.
pub(crate) fn to_text(value: fmt::Arguments<'_>) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    if let Some(mark) = write(&mut text, value) {
        text.push_str(mark);
    }
    text
}

/// A value whose formatting neither fails nor panics.
pub(crate) struct Guarded<'a>(pub(crate) &'a dyn fmt::Debug);

impl fmt::Debug for Guarded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match write(f, format_args!("{:?}", self.0)) {
            Some(mark) => f.write_str(mark),
            None => Ok(()),
        }
    }
}

/// The most causes of an error that are kept: a chain may be a ring.
const MAX_CAUSES: usize = 16;

/// The texts of an error and of its causes, whose formatting neither fails nor panics.
#[derive(Debug)]
pub(crate) struct GuardedError {
    text: String,
    cause: Option<Box<Self>>,
}

impl GuardedError {
    pub(crate) fn new(error: &(dyn Error + 'static)) -> Self {
        let texts = iter::successors(Some(error), |&error| error.source())
            .take(1 + MAX_CAUSES)
            .map(|error| to_text(format_args!("{error}")));
        let mut texts: Vec<_> = texts.collect();
        let mut cause = None;
        while texts.len() > 1 {
            let text = texts.pop().unwrap_or_default();
            cause = Some(Box::new(Self { text, cause }));
        }
        let text = texts.pop().unwrap_or_default();
        Self { text, cause }
    }
}

impl fmt::Display for GuardedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for GuardedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }
}
