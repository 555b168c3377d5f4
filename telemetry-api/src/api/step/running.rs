//! A step in progress.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};

use telemetry_semconv::{
    attribute::ERROR_TYPE,
    outcome::{PANIC, PANICKED},
};

use super::{
    description::Step,
    log,
    outcome::Outcome,
    output::{Judgement, Verdict},
    step_metrics::{SeriesKey, StepInstruments},
};
use crate::{
    current_span::remember_entry,
    instrument::{
        context,
        described::{Described, OTHER},
        providers::Providers,
        sensitive::Sensitive,
        tracer::{self, is_recorded},
    },
};

/// A step in progress; ends exactly once, at the latest when dropped.
#[derive(Debug)]
pub(super) struct Running {
    /// `None` while the step has no span of its own and the current context is its own.
    cx: Option<Context>,
    started: Instant,
    instruments: Arc<StepInstruments>,
    name: &'static str,
    flow: Option<&'static str>,
    stage: Option<&'static str>,
    ended: bool,
    /// Still set when it is dropped if the work did not return: it panicked.
    working: bool,
}

impl Running {
    /// Starts it in the current context; if that does not stay current until the end, [`keep_context`](Self::keep_context)
    /// comes next.
    pub(super) fn start(step: &mut Step, providers: Providers) -> Self {
        let Step {
            name,
            flow,
            stage,
            ref mut attributes,
        } = *step;
        let instruments = StepInstruments::of(providers);
        let cx = context::with_current(|parent| {
            let cx = instruments
                .tracer
                .start_own(parent, name, SpanKind::Internal, || {
                    let keys = &instruments.keys;
                    // With room for the attributes of the end.
                    let mut all = Vec::with_capacity(attributes.len() + 4);
                    all.extend(flow.map(|flow| KeyValue::new(keys.flow.clone(), flow)));
                    all.extend(stage.map(|stage| KeyValue::new(keys.stage.clone(), stage)));
                    all.append(attributes);
                    all
                });
            cx.map(|cx| remember_entry(parent, cx))
        });
        Self {
            cx,
            started: Instant::now(),
            instruments,
            name,
            flow,
            stage,
            ended: false,
            working: false,
        }
    }

    /// Holds the context that is current now, where the step has none of its own: from now on another may be current.
    pub(super) fn keep_context(&mut self) -> &Context {
        self.cx.get_or_insert_with(context::current)
    }

    /// The context if the step has a span of its own, or has kept it.
    pub(super) fn cx(&self) -> Option<&Context> {
        self.cx.as_ref()
    }

    pub(super) fn sensitive(&self) -> Sensitive {
        self.instruments.sensitive
    }

    /// Does some of the step's work in its context.
    pub(super) fn within<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _attached = self.cx.clone().and_then(context::attach);
        self.working = true;
        let unless_panicked = KeptOnPanic(self);
        let output = work();
        unless_panicked.0.working = false;
        output
    }

    /// Drops work that has not ended, in its context.
    pub(super) fn abandon(&self, drop_work: impl FnOnce()) {
        let _attached = self.cx.clone().and_then(context::attach);
        drop_work();
    }

    /// The work will not come back.
    pub(super) fn panicked(&mut self) {
        self.working = true;
    }

    /// Ends it as judged. Classifiers and errors are the application's code, so if they panic the step has.
    pub(super) fn finish<'a>(&mut self, judge: impl FnOnce() -> Judgement<'a>) {
        self.working = true;
        let unless_panicked = KeptOnPanic(self);
        let judgement = judge();
        let end = match judgement.verdict {
            Verdict::Ok => End::of(Outcome::Ok),
            Verdict::Rejected(reason) => End {
                reason: Some(reason),
                ..End::of(Outcome::Rejected)
            },
            Verdict::Failed(error_type) => {
                let redaction = &unless_panicked.0.instruments.redaction;
                let error = judgement
                    .error
                    .map(|error| Box::new(error.describe(redaction)));
                End {
                    error_type: Some(match &error {
                        Some(error) if error_type == OTHER && !error.kind.is_empty() => error.kind,
                        _ => error_type,
                    }),
                    error,
                    ..End::of(Outcome::Error)
                }
            }
        };
        unless_panicked.0.working = false;
        unless_panicked.0.end(end);
    }

    /// While the thread ends, nobody knows which thread-locals of processors are still there.
    fn end(&mut self, end: End) {
        self.ended = true;
        if context::is_ending() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.record(&end)));
        } else {
            self.record(&end);
        }
    }

    fn record(&self, end: &End) {
        let duration = self.started.elapsed().as_secs_f64();
        let instruments = &self.instruments;
        let span = self.cx.as_ref().map(TraceContextExt::span);
        // A span that is not recorded may be the parent's.
        let recorded = span.filter(is_recorded);
        if let Some(span) = &recorded {
            let keys = &instruments.keys;
            span.set_attribute(KeyValue::new(keys.outcome.clone(), end.outcome.as_str()));
            if let Some(kind) = end.error_type {
                span.set_attribute(KeyValue::new(ERROR_TYPE, kind));
                span.set_status(tracer::failed(end.description().to_owned()));
            }
            if let Some(reason) = end.reason {
                span.set_attribute(KeyValue::new(keys.reason.clone(), reason));
            }
        }
        log::write(self.cx.as_ref(), &self.line(end, duration));
        let key = SeriesKey {
            flow: self.flow,
            stage: self.stage,
            outcome: end.outcome,
            error_type: end.error_type,
        };
        instruments.record(&key, |series| {
            series.count.add(1);
            let record = |cx: &Context| {
                let span = cx.span();
                let span = span.span_context();
                series.counted.offer(1.0, span);
                series.duration.record(duration, span);
            };
            match &self.cx {
                Some(cx) => record(cx),
                None => context::with_current(record),
            }
        });
        if let Some(span) = recorded {
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

/// A panic of a step without a span of its own may be caught, and the step dropped, in another context.
struct KeptOnPanic<'a>(&'a mut Running);

impl Drop for KeptOnPanic<'_> {
    fn drop(&mut self) {
        if self.0.working {
            self.0.keep_context();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.end(if self.working {
                End {
                    error_type: Some(PANIC),
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
    error: Option<Box<Described>>,
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
            (Some(error), _) => &error.message,
            (None, Outcome::Panicked) => PANICKED,
            // `error.type` says it all.
            (None, _) => "",
        }
    }
}
