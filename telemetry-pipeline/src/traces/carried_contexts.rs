//! Contexts that `tracing` spans carry to other tasks.

use std::cell::RefCell;

use opentelemetry::{Context, ContextGuard, trace::TraceContextExt as _};
use telemetry_api::instrument::{
    carrier::is_carrier,
    context::{self, attach},
};
use tracing::{
    Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context as LayerContext, Filter},
    registry::LookupSpan,
};

thread_local! {
    /// The carriers that are entered on this thread, each with the context that it has made current; `None` if that was
    /// current already.
    static ENTERED: RefCell<Vec<(Id, Option<ContextGuard>)>> = const { RefCell::new(Vec::new()) };
}

/// The layer behind [carriers](telemetry_api::instrument::carrier): it keeps the context that is current when a carrier
/// is made, and makes it current while the carrier is entered.
#[derive(Debug)]
pub(crate) struct CarriedContexts;

/// Lets carriers pass, and nothing else.
#[derive(Debug)]
pub(crate) struct CarriersOnly;

/// The context that a span carries.
struct Carried(Context);

impl<S> Layer<S> for CarriedContexts
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(Carried(context::current()));
        }
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        let carried = cx.span(id).and_then(|span| {
            let extensions = span.extensions();
            let Carried(carried) = extensions.get()?;
            (!is_current(carried)).then(|| carried.clone())
        });
        let entered = carried.and_then(attach);
        // While the thread ends, no context is made current.
        let _ = ENTERED.try_with(|all| {
            if let Ok(mut all) = all.try_borrow_mut() {
                all.push((id.clone(), entered));
            }
        });
    }

    fn on_exit(&self, id: &Id, _: LayerContext<'_, S>) {
        let entered = ENTERED.try_with(|all| {
            let mut all = all.try_borrow_mut().ok()?;
            let last = all.iter().rposition(|(entered, _)| entered == id)?;
            Some(all.remove(last))
        });
        // Dropped here, because the end of a context may run code of the application.
        drop(entered);
    }
}

/// True if the span of this context is current already: then the current context is this one, or one made from it.
fn is_current(carried: &Context) -> bool {
    let carried = carried.span();
    let carried = carried.span_context();
    carried.is_valid()
        && context::with_current(|cx| {
            let current = cx.span();
            let current = current.span_context();
            current.span_id() == carried.span_id() && current.trace_id() == carried.trace_id()
        })
}

impl<S> Filter<S> for CarriersOnly {
    fn enabled(&self, metadata: &Metadata<'_>, _: &LayerContext<'_, S>) -> bool {
        is_carrier(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_carrier(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }
}
