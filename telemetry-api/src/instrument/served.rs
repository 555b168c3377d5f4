//! The request that a thread is polling, for instrumentation of servers: the application finds its span, and names its
//! principal.

use std::{marker::PhantomData, mem::ManuallyDrop, sync::Arc};

use opentelemetry::{Context, trace::TraceContextExt as _};

use super::{
    principal::Principal,
    this_thread::{self, Naming as State},
    tracer::is_recorded,
};

/// While it lives, this thread works on the request of a context. See [`serve`].
#[derive(Debug)]
#[must_use = "the request is forgotten when this is dropped"]
pub struct Served {
    outer: Option<Context>,
    /// It belongs to this thread.
    _not_send: PhantomData<*const ()>,
}

/// Makes the span of this context the [`entry_span`](crate::entry_span) of its trace, on this thread, until the guard is
/// dropped. `None` if the span is not recorded, because then nothing can be set on it. For instrumentation of servers,
/// around each poll.
///
/// Cost: a copy of the context.
#[inline]
pub fn serve(cx: &Context) -> Option<Served> {
    is_recorded(&cx.span()).then(|| Served {
        outer: replace_request(Some(cx.clone())),
        _not_send: PhantomData,
    })
}

impl Drop for Served {
    fn drop(&mut self) {
        replace_request(self.outer.take());
    }
}

fn replace_request(request: Option<Context>) -> Option<Context> {
    let request = request.map(ManuallyDrop::new);
    let replaced = this_thread::with(|this| this.request.replace(request));
    replaced.map(ManuallyDrop::into_inner)
}

/// The context of the request that this thread is polling, if `cx` is of its trace.
pub(crate) fn request_in(cx: &Context) -> Option<Context> {
    let trace = |cx: &Context| cx.span().span_context().trace_id();
    let request = replace_request(None)?;
    let of_this_trace = (trace(&request) == trace(cx)).then(|| request.clone());
    replace_request(Some(request));
    of_this_trace
}

/// While it lives, this thread works on a request that may be [named](Principal::name_request). For instrumentation of
/// servers, around each poll.
#[derive(Debug)]
#[must_use = "its end says whom the request was named for"]
pub struct Naming {
    /// The state of the request in whose course this one is served.
    outer: State,
    named: Option<Principal>,
}

impl Naming {
    /// The thread begins to work on the request.
    pub fn begin() -> Self {
        let outer = replace_state(State::Served);
        Self {
            outer,
            named: (outer == State::Named)
                .then(|| replace_named(None))
                .flatten(),
        }
    }

    /// The thread leaves the request. Returns the principal that it was named for meanwhile, if it was.
    pub fn end(self) -> Option<Principal> {
        let inner = replace_state(self.outer);
        if inner == State::Named || self.outer == State::Named {
            return replace_named(self.named);
        }
        None
    }
}

/// Names the request that this thread is polling. The first call counts.
pub(crate) fn name(principal: &Principal) {
    let is_first = this_thread::with(|this| this.naming.get() == State::Served);
    if is_first {
        replace_state(State::Named);
        replace_named(Some(principal.clone()));
    }
}

#[inline]
fn replace_state(state: State) -> State {
    this_thread::with(|this| this.naming.replace(state))
}

#[cold]
fn replace_named(named: Option<Principal>) -> Option<Principal> {
    let named = named.map(|principal| ManuallyDrop::new(Arc::new(principal) as Arc<_>));
    let replaced = this_thread::with(|this| this.named.replace(named))?;
    let replaced = ManuallyDrop::into_inner(replaced).downcast::<Principal>();
    replaced.ok().map(Arc::unwrap_or_clone)
}
