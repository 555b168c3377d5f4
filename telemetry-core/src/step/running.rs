//! A step in progress.

use std::time::Instant;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};

use super::{
    Step,
    instruments::SeriesKey,
    log,
    output::{Judgement, Verdict},
};
use crate::{
    current::remember_entry,
    providers::Providers,
    tracer::{self, is_recorded},
};

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
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }
}

/// A step in progress; ends exactly once, at the latest when dropped.
#[derive(Debug)]
pub(super) struct Running {
    cx: Context,
    started: Instant,
    providers: Providers,
    name: &'static str,
    flow: Option<&'static str>,
    stage: Option<&'static str>,
    ended: bool,
    /// Still set when it is dropped if the work did not return: it panicked, whoever caught it.
    working: bool,
}

impl Running {
    pub(super) fn start(step: Step, providers: Providers) -> Self {
        let Step {
            name,
            flow,
            stage,
            attributes,
        } = step;
        let instruments = providers.steps();
        let cx = Context::map_current(|parent| {
            let cx = instruments
                .tracer
                .start(parent, name, SpanKind::Internal, || {
                    let keys = &instruments.keys;
                    // With room for what the end adds.
                    let mut all = Vec::with_capacity(attributes.len() + 4);
                    all.extend(flow.map(|flow| KeyValue::new(keys.flow.clone(), flow)));
                    all.extend(stage.map(|stage| KeyValue::new(keys.stage.clone(), stage)));
                    all.extend(attributes);
                    all
                });
            remember_entry(parent, cx)
        });
        Self {
            cx,
            started: Instant::now(),
            providers,
            name,
            flow,
            stage,
            ended: false,
            working: false,
        }
    }

    pub(super) fn cx(&self) -> &Context {
        &self.cx
    }

    pub(super) fn attr(&self, attribute: impl FnOnce() -> KeyValue) {
        let span = self.cx.span();
        if is_recorded(&span) {
            span.set_attribute(attribute());
        }
    }

    /// Does some of the step's work in its context.
    pub(super) fn within<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _attached = self.cx.clone().attach();
        self.working = true;
        let output = work();
        self.working = false;
        output
    }

    /// The work will not come back.
    pub(super) fn panicked(&mut self) {
        self.working = true;
    }

    /// Ends it as judged. Classifiers and errors are the application's code, so if they panic the step has.
    pub(super) fn finish<'a>(mut self, judge: impl FnOnce() -> Judgement<'a>) {
        self.working = true;
        let judgement = judge();
        let end = match judgement.verdict {
            Verdict::Ok => End::of(Outcome::Ok),
            Verdict::Rejected(reason) => End {
                reason: Some(reason),
                ..End::of(Outcome::Rejected)
            },
            Verdict::Failed(error_type) => End {
                error_type: Some(error_type),
                error: judgement.error.map(ToString::to_string),
                ..End::of(Outcome::Error)
            },
        };
        self.end(end);
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        let duration = self.started.elapsed().as_secs_f64();
        let instruments = self.providers.steps();
        let span = self.cx.span();
        let recorded = is_recorded(&span);
        if recorded {
            let keys = &instruments.keys;
            span.set_attribute(KeyValue::new(keys.outcome.clone(), end.outcome.as_str()));
            if let Some(kind) = end.error_type {
                span.set_attribute(KeyValue::new("error.type", kind));
                span.set_status(tracer::failed(end.description().to_owned()));
            }
            if let Some(reason) = end.reason {
                span.set_attribute(KeyValue::new(keys.reason.clone(), reason));
            }
        }
        log::write(&self.cx, &self.line(&end, duration));
        let key = SeriesKey {
            flow: self.flow,
            stage: self.stage,
            outcome: end.outcome,
            error_type: end.error_type,
        };
        let series = instruments.series(&key);
        series.count.add(1);
        series.duration.record(duration, span.span_context());
        // Otherwise it may be the parent's, and if not there is nothing to end.
        if recorded {
            span.end();
        }
    }

    fn line<'a>(&self, end: &'a End, duration: f64) -> log::Line<'a> {
        log::Line {
            name: self.name,
            flow: self.flow,
            stage: self.stage,
            outcome: end.outcome,
            reason: end.reason,
            error_type: end.error_type,
            error: end.error.as_deref(),
            duration,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.end(if self.working {
                End {
                    error_type: Some("panic"),
                    ..End::of(Outcome::Panicked)
                }
            } else {
                End::of(Outcome::Cancelled)
            });
        }
    }
}

/// How it ended and why.
struct End {
    outcome: Outcome,
    reason: Option<&'static str>,
    error_type: Option<&'static str>,
    error: Option<String>,
}

impl End {
    fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            reason: None,
            error_type: None,
            error: None,
        }
    }

    /// Of the span's status.
    fn description(&self) -> &str {
        match (&self.error, self.outcome) {
            (Some(error), _) => error,
            (None, Outcome::Panicked) => "panicked",
            // `error.type` says it all.
            (None, _) => "",
        }
    }
}
