//! One log event for each step, at its end.

use std::cell::LazyCell;

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Level, level_filters::LevelFilter};

use super::outcome::Outcome;
use crate::instrument::{context, described::Described, exception};

/// The content of an event.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'static str,
    pub(super) flow: Option<&'static str>,
    pub(super) stage: Option<&'static str>,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<&'static str>,
    pub(super) error_type: Option<&'static str>,
    pub(super) error: Option<&'a Described>,
    /// Seconds.
    pub(super) duration: f64,
}

/// Everything but the level and the message is the same for all outcomes, and the level must be known to the compiler.
macro_rules! emit {
    ($level:expr, $cx:expr, $line:expr, $message:literal) => {
        // Without this most steps, whose line is at DEBUG, would attach for nothing.
        if $level <= LevelFilter::current() {
            let line: &Line<'_> = $line;
            // Log lines carry the ids of the current context, and this may be a drop outside of any.
            let _attached = $cx.cloned().and_then(context::attach);
            // The error itself is recorded once, by the step it came from; asked only if the line is written.
            let error = LazyCell::new(|| line.error.filter(|error| is_new(error)));
            tracing::event!(
                name: "step",
                target: "telemetry_core::step",
                $level,
                {
                    step = line.name,
                    flow = line.flow,
                    stage = line.stage,
                    outcome = line.outcome.as_str(),
                    reason = line.reason,
                    error.type = line.error_type,
                    exception.type = error.and_then(|error| type_of(error, line)),
                    exception.message = error.map(|error| error.message.as_str()),
                    exception.cause = error.and_then(Described::cause),
                    duration = line.duration,
                },
                $message
            );
        }
    };
}

fn is_new(error: &Described) -> bool {
    context::with_current(|cx| exception::is_new(cx.span().span_context(), &error.texts()))
}

fn type_of(error: &Described, line: &Line<'_>) -> Option<&'static str> {
    match error.kind {
        "" => line.error_type,
        kind => Some(kind),
    }
}

/// Writes it in the step's context; `None` is the current one. The person on call reads the failures. A success is in the
/// span and the metrics, and here only at DEBUG.
pub(super) fn write(cx: Option<&Context>, line: &Line<'_>) {
    if context::is_ending() {
        return;
    }
    match line.outcome {
        Outcome::Ok => emit!(Level::DEBUG, cx, line, "step completed"),
        Outcome::Rejected => emit!(Level::INFO, cx, line, "step rejected"),
        Outcome::Cancelled => emit!(Level::WARN, cx, line, "step cancelled"),
        Outcome::Error => emit!(Level::ERROR, cx, line, "step failed"),
        Outcome::Panicked => emit!(Level::ERROR, cx, line, "step panicked"),
    }
}
