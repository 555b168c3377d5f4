//! The user on whose behalf a request is made: named once at the edge, then shown on spans, on log lines and in the services
//! behind.

use std::future::Future;

use opentelemetry::trace::{SpanRef, TraceContextExt as _};

use crate::{
    instrument::{context, served, tracer::is_recorded},
    task::InContext,
};

pub use crate::instrument::{
    principal::{MAX_ID, MAX_ROLE, MAX_ROLES, Principal, Shown, attribute, is_key},
    served::Naming,
};

impl Principal {
    /// The principal of the current request.
    pub fn current() -> Option<Self> {
        context::with_current(|cx| Self::of(cx).cloned())
    }

    /// Runs the future on behalf of this principal: its logs, the calls it makes, and the span that is current now. At
    /// the edge that is the server span.
    pub fn scope<F: Future>(self, future: F) -> InContext<F> {
        self.name_request();
        let cx = context::with_current(|cx| {
            self.record_on(&cx.span());
            self.attach_to(cx)
        });
        InContext::new(future, cx)
    }

    /// Makes it the principal of the request that is being served, in place of the one that the caller named: for what
    /// is written of the request outside of any [`scope`](Self::scope), such as its access line. The first call counts.
    pub fn name_request(&self) {
        context::with_current(Self::replace_named_by_caller);
        served::name(self);
    }

    /// Sets the attributes on a span, if it is recorded.
    pub fn record_on(&self, span: &SpanRef<'_>) {
        if is_recorded(span) {
            span.set_attributes(self.attributes());
        }
    }

    /// Sets the attributes on a server span that ends, if a caller named this principal and no [`scope`](Self::scope)
    /// named another since. For instrumentation of servers.
    pub fn record_at_end(&self, span: &SpanRef<'_>) {
        if self.is_pending() {
            self.record_on(span);
        }
    }
}
