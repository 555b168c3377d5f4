//! The description of a step, before it runs.

use std::fmt::Display;

use opentelemetry::{Key, KeyValue, Value, trace::TraceContextExt as _};

use crate::instrument::{context, providers::Providers, tracer::is_recorded};

/// The most attributes of a step; further ones are left out.
const MAX_ATTRIBUTES: usize = 32;

/// Begins the description of a business step; finish it with one of the forms below.
///
/// | form | for |
/// |---|---|
/// | [`run`](Step::run), [`run_with`](Step::run_with), [`run_classified`](Step::run_classified) | a future |
/// | [`in_scope`](Step::in_scope), [`in_scope_with`](Step::in_scope_with), [`in_scope_classified`](Step::in_scope_classified) | a closure on this thread |
/// | [`start`](Step::start) | code that is neither: a [`StepGuard`](super::StepGuard) |
/// | `#[step]` | a whole function (feature `macros`) |
///
/// Running it emits
///
/// - an internal span of this name, with `<namespace>.flow`, `<namespace>.stage` and `<namespace>.outcome` (the prefix is
///   the resource's `service.namespace`, or `step` without one),
/// - one count in `<namespace>.steps` and one measurement in `<namespace>.step.duration` (seconds), both by flow, stage,
///   outcome and `error.type` (without a namespace `steps` and `step.duration`),
/// - one `tracing` event of target `telemetry_core::step` with the step's ids: at ERROR if it failed or panicked, at
///   WARN if it was cancelled, at INFO if it was rejected, and at DEBUG, which is off by default, if all went well.
///
/// ```
/// # async fn reserve() -> Result<u32, std::io::Error> { Ok(2) }
/// # async fn example() -> Result<(), std::io::Error> {
/// use telemetry_api::step;
///
/// let reserved = step("Verify_Inventory_Status").flow("checkout").stage("inventory").run(reserve()).await?;
/// # Ok(()) }
/// ```
///
/// Without a pipeline the work runs as it is.
pub fn step(name: &'static str) -> Step {
    Step {
        name,
        flow: None,
        stage: None,
        attributes: Vec::new(),
    }
}

/// A business step about to run. Names are `'static`, so that they stay few.
#[derive(Clone, Debug)]
#[must_use = "a step does nothing until it is run"]
pub struct Step {
    pub(super) name: &'static str,
    pub(super) flow: Option<&'static str>,
    pub(super) stage: Option<&'static str>,
    pub(super) attributes: Vec<KeyValue>,
}

impl Step {
    /// The business flow, such as `checkout`.
    pub fn flow(mut self, flow: &'static str) -> Self {
        self.flow = Some(flow);
        self
    }

    /// The stage of the flow, such as `payment`.
    pub fn stage(mut self, stage: &'static str) -> Self {
        self.stage = Some(stage);
        self
    }

    /// An attribute of the span only, so it may take any value. A step keeps at most 32, and of one key the last value.
    pub fn attr(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        if Providers::current().is_some() {
            self.set(KeyValue::new(key, value));
        }
        self
    }

    /// An attribute whose value nobody may read: its hash is shown, or nothing (see [`Sensitive`]). It is
    /// hashed here, if a step that begins here would be recorded.
    ///
    /// [`Sensitive`]: crate::sensitive::Sensitive
    pub fn attr_sensitive(self, key: impl Into<Key>, value: impl Display) -> Self {
        if !wants_attributes() {
            return self;
        }
        match Providers::current().and_then(|providers| providers.sensitive().shown(value)) {
            Some(shown) => self.attr(key, shown),
            None => self,
        }
    }

    fn set(&mut self, attribute: KeyValue) {
        let known = self.attributes.iter();
        match known
            .into_iter()
            .position(|known| known.key == attribute.key)
        {
            Some(at) => self.attributes[at] = attribute,
            None if self.attributes.len() < MAX_ATTRIBUTES => self.attributes.push(attribute),
            None => {}
        }
    }
}

/// True if attributes of a step that begins here can reach a backend.
pub fn wants_attributes() -> bool {
    if Providers::current().is_none() {
        return false;
    }
    context::with_current(|cx| {
        let span = cx.span();
        let context = span.span_context();
        !context.is_valid() || context.is_remote() || is_recorded(&span)
    })
}
