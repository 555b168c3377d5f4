//! A caller's context, before it is known which part of it the receiver needs.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};

use crate::instrument::principal::Principal;

/// The context that a caller has sent: its span, its baggage, and the principal that it names.
///
/// The principal is set aside. [`into_context`](Self::into_context) leaves it out, because a stranger can name anybody;
/// call [`with_principal`](Self::with_principal) first where the operator said that callers are trusted.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Not in the context yet; it overrides a span that is.
    pub(crate) caller: Option<SpanContext>,
    pub(crate) cx: Context,
    /// In a box, because it is rare and this is moved often.
    principal: Option<Box<Principal>>,
}

impl Received {
    /// The context that later formats add to.
    pub(super) fn on(parent: Context) -> Self {
        Self {
            cx: parent,
            ..Self::default()
        }
    }

    /// Replaces the caller's span, without the cost of a context that carries it.
    pub(super) fn with_caller(mut self, caller: SpanContext) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Replaces the context by one that a format has made of it. The principal in its baggage is set aside.
    pub(super) fn extended(self, extend: impl FnOnce(&Context) -> Option<Context>) -> Self {
        match extend(&self.cx) {
            None => self,
            Some(cx) => {
                let (cx, principal) = Principal::take_from_baggage(cx);
                Self {
                    principal: principal.map(Box::new).or(self.principal),
                    caller: self.caller,
                    cx,
                }
            }
        }
    }

    /// The same with the caller's span in the context, for formats that read or replace it there.
    pub(super) fn in_context(mut self) -> Self {
        if let Some(caller) = self.caller.take() {
            self.cx = self.cx.with_remote_span_context(caller);
        }
        self
    }

    /// Looks at the caller's span; at [`SpanContext::NONE`] if it sent none.
    pub fn with_span_context<T>(&self, look: impl FnOnce(&SpanContext) -> T) -> T {
        match &self.caller {
            Some(caller) => look(caller),
            None => look(self.cx.span().span_context()),
        }
    }

    /// Believes the principal that the caller names in its baggage. Only for callers that an explicit option trusts.
    #[must_use]
    pub fn with_principal(mut self) -> Self {
        if let Some(principal) = self.principal.take() {
            self.cx = principal.attach_to(&self.cx);
        }
        self
    }

    /// The context that carries the caller's span and baggage.
    pub fn into_context(self) -> Context {
        self.in_context().cx
    }
}
