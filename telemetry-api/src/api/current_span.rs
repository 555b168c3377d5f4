//! The span one is in: late attributes, events, links, status, errors.
//!
//! Two spans matter. [`current_span`] is the innermost: inside a step the step's, else, in a handler, the
//! server's. [`entry_span`] is the one that this service's work began with: in a handler the server span, also from inside
//! steps and `tracing` spans.
//!
//! ```
//! use telemetry_api::{current_span, entry_span};
//!
//! fn price(sku: &str, cents: i64) {
//!     current_span().set_attribute("retail.sku", sku.to_owned()); // on the step around this
//!     entry_span().set_attribute("retail.amount", cents); // on the request
//! }
//! # price("SKU-1", 1999);
//! ```

use std::{error::Error, fmt::Display, time::SystemTime};

use opentelemetry::{
    Context, Key, KeyValue, Value,
    trace::{SpanContext, Status, TraceContextExt},
};

use telemetry_semconv::attribute::ERROR_TYPE;

use crate::{
    instrument::{
        context,
        described::Described,
        exception,
        redaction::Redaction,
        served::request_in,
        text,
        tracer::{self, is_recorded},
    },
    sensitive::Sensitive,
};

pub use crate::instrument::served::{Served, serve};

/// The innermost span that is current: inside a step the step's, else, in a handler, the server span.
pub fn current_span() -> CurrentSpan {
    CurrentSpan(context::current())
}

/// The span that this service's part of the trace began with: in a handler the server span, also from inside steps.
///
/// It is known where the server polls the handler, and to steps, which take it along. In a task of its own outside of any
/// step, it is the [`current_span`].
pub fn entry_span() -> CurrentSpan {
    context::with_current(|cx| match cx.get::<Entry>() {
        Some(Entry(entry)) => CurrentSpan(entry.clone()),
        None => CurrentSpan(request_in(cx).unwrap_or_else(|| cx.clone())),
    })
}

/// The context of a step that was started in `parent`, from which the [`entry_span`] is still found. The outermost
/// recorded step pays for it with three allocations, those in it with nothing.
pub(crate) fn remember_entry(parent: &Context, cx: Context) -> Context {
    if parent.get::<Entry>().is_some() || !is_recorded(&cx.span()) {
        return cx;
    }
    let own = || {
        let outer = parent.span();
        let outer = outer.span_context();
        let is_local = outer.is_valid() && !outer.is_remote();
        if is_local { parent } else { &cx }.clone()
    };
    let entry = request_in(parent).unwrap_or_else(own);
    cx.with_value(Entry(entry))
}

/// Sets an attribute on the current span: in a handler the server span, inside a step the step's.
///
/// Does nothing outside of a span or when the span is not recorded.
pub fn set_attribute(key: impl Into<Key>, value: impl Into<Value>) {
    context::with_current(|cx| {
        let span = cx.span();
        if is_recorded(&span) {
            span.set_attribute(KeyValue::new(key, value));
        }
    });
}

/// [`CurrentSpan::record_error`] on the current span.
pub fn record_error<E: Error + ?Sized>(error: &E) {
    current_span().record_error(error);
}

/// True if the panic that this thread has just caught is a log record already, by the hook that the pipeline sets. For
/// adapters that record exceptions. The answer is given once for each panic.
pub fn panic_was_logged() -> bool {
    exception::take_logged_panic()
}

struct Entry(Context);

/// A span that takes more attributes, events, links and a status. Calls do nothing outside of a span, after its end or when
/// it is not recorded.
///
/// It may be kept and sent elsewhere. It does not end the span.
#[derive(Clone, Debug)]
pub struct CurrentSpan(Context);

impl CurrentSpan {
    /// Sets an attribute; one of the same key is replaced where spans are stored.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        if self.is_recorded() {
            self.0.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Sets an attribute of which only the hash is shown, or nothing (see [`Sensitive`]).
    pub fn set_sensitive(&self, key: impl Into<Key>, value: impl Display) {
        if self.is_recorded()
            && let Some(shown) = Sensitive::current().shown(value)
        {
            self.set_attribute(key, shown);
        }
    }

    /// Adds an event at this time. What somebody may want to search for without the trace is better a `tracing` event,
    /// which becomes a log record with the span's ids.
    pub fn add_event(&self, name: &'static str, attributes: Vec<KeyValue>) {
        if self.is_recorded() {
            self.0
                .span()
                .add_event_with_timestamp(name, SystemTime::now(), attributes);
        }
    }

    /// Links the span to another, such as the one that made the work necessary.
    pub fn add_link(&self, other: SpanContext, attributes: Vec<KeyValue>) {
        if self.is_recorded() && other.is_valid() {
            self.0.span().add_link(other, attributes);
        }
    }

    /// Marks the span as failed: status error with this description, cut at 256 bytes, and `error.type`.
    pub fn set_error(&self, error_type: &'static str, description: impl Display) {
        if self.is_recorded() {
            let span = self.0.span();
            let description = text::of(&description);
            let description = Redaction::current().error(&description).into_owned();
            span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
            span.set_status(tracer::failed(description));
        }
    }

    /// Sets the status Ok. By the specification this status is final: instrumentation cannot make it an error.
    pub fn set_ok(&self) {
        self.0.span().set_status(Status::Ok);
    }

    /// Records an error as a log record with the span's ids, as conventions since 1.37 want it instead of a span event:
    /// `exception.type`, `exception.message` and, if it has a cause, `exception.cause`, at ERROR, of target
    /// `telemetry_core::exception`. The status of the span stays: an error that was handled is no failure.
    ///
    /// URLs and messages of databases in its texts are redacted. The setting `TELEMETRY_ERROR_TEXTS=whole` shows them as
    /// they are.
    ///
    /// The same error recorded again on its way up, by a step or around another error, is not recorded again: one with
    /// the same text in the same trace within ten seconds.
    pub fn record_error<E: Error + ?Sized>(&self, error: &E) {
        if context::is_ending()
            || !tracing::event_enabled!(target: "telemetry_core::exception", tracing::Level::ERROR)
        {
            return;
        }
        let error = Described::error(std::any::type_name::<E>(), &error, &Redaction::current());
        if !exception::is_new(self.0.span().span_context(), &error.texts()) {
            return;
        }
        let _attached = context::attach(self.0.clone());
        tracing::error!(
            name: "exception",
            target: "telemetry_core::exception",
            {
                exception.type = error.kind,
                exception.message = error.message,
                exception.cause = error.cause(),
            },
            "exception"
        );
    }

    /// True if attributes and events set here can reach a backend. False means that they need not be computed.
    pub fn is_recorded(&self) -> bool {
        is_recorded(&self.0.span())
    }

    /// Its ids.
    pub fn span_context(&self) -> SpanContext {
        self.0.span().span_context().clone()
    }

    /// The context it is current in, to run something else in it.
    pub fn context(&self) -> &Context {
        &self.0
    }
}
