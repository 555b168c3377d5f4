//! One log event for each step, at its end.

use std::cell::LazyCell;

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Level, level_filters::LevelFilter};

use super::outcome::Outcome;
use crate::instrument::{context, exception};

/// What an event says.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'static str,
    pub(super) flow: Option<&'static str>,
    pub(super) stage: Option<&'static str>,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<&'static str>,
    pub(super) error_type: Option<&'static str>,
    pub(super) error_name: Option<&'static str>,
    pub(super) error: Option<&'a str>,
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
            // The error itself is said once, by the step it came from; asked only if the line is written.
            let error = LazyCell::new(|| {
                line.error.filter(|error| {
                    context::with_current(|cx| exception::is_new(cx.span().span_context(), &[error]))
                })
            });
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
                    exception.type = (*error).and(line.error_name.or(line.error_type)),
                    exception.message = *error,
                    duration = line.duration,
                },
                $message
            );
        }
    };
}

/// Writes it in the step's context; `None` is the current one. The person on call reads what went wrong: what went well
/// is in the span and the metrics, and here only for who asks for DEBUG.
pub(super) fn write(cx: Option<&Context>, line: &Line<'_>) {
    match line.outcome {
        Outcome::Ok => emit!(Level::DEBUG, cx, line, "step completed"),
        Outcome::Rejected => emit!(Level::INFO, cx, line, "step rejected"),
        Outcome::Cancelled => emit!(Level::WARN, cx, line, "step cancelled"),
        Outcome::Error => emit!(Level::ERROR, cx, line, "step failed"),
        Outcome::Panicked => emit!(Level::ERROR, cx, line, "step panicked"),
    }
}
