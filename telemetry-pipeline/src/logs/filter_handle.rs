//! The two filters, of log lines and of spans, changeable while the process runs.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use tracing::{
    callsite::rebuild_interest_cache,
    dispatcher::{self, Dispatch, WeakDispatch},
};
use tracing_subscriber::filter::Directive;

use crate::logs::{
    directives::{ActiveFilter, OWN},
    layer_filters::{ActiveFilters, LogFilter, SpanFilter},
};

/// The filters of log lines and of `tracing` spans. Clones are the same filters.
///
/// The two are independent: with the log filter at `warn` the spans of the application stay, and so do the spans of
/// requests, clients and steps, which are no `tracing` spans.
///
/// Both have the syntax of [`EnvFilter`](tracing_subscriber::EnvFilter), such as `warn,shop=debug,shop::cart=trace`. The spans of HTTP and TLS crates
/// are never recorded.
///
/// ```
/// use telemetry_pipeline::Config;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let config = Config::new("shop").with_environment([("OTEL_TRACES_EXPORTER", "none")]);
/// let telemetry = config.build()?;
/// let filters = telemetry.filters().clone();
/// // In an administrative handler, or when a file changes:
/// filters.set_logs("info,shop::cart=debug")?;
/// assert_eq!(filters.logs(), "info,shop::cart=debug");
/// let error = filters.set_spans("info,shop=loud").unwrap_err();
/// assert!(error.to_string().contains("\"shop=loud\""), "{error}");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct FilterHandle(Arc<Filters>);

struct Filters {
    active: Arc<ActiveFilters>,
    /// The level of our own lines, if it has a setting of its own.
    own: Option<Directive>,
    dispatch: OnceLock<WeakDispatch>,
}

/// The choices that filters are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterChoices<'a> {
    /// The log lines that pass, in the syntax of [`EnvFilter`].
    pub(crate) logs: &'a str,
    /// The `tracing` spans that are recorded, in the same syntax.
    pub(crate) spans: &'a str,
    /// The level of our own lines, if it has a setting of its own.
    pub(crate) own_level: Option<&'a str>,
    /// True if log lines have the fields of spans.
    pub(crate) span_fields: bool,
    /// True if log lines of the HTTP and TLS crates may pass.
    pub(crate) transport_logs: bool,
}

/// Why a filter was not set. The one before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {which} filter {text:?} is not valid: {reason}. It stays {stays:?}")]
#[non_exhaustive]
pub struct FilterError {
    /// `log` or `span`.
    pub which: &'static str,
    /// The filter that was not set.
    pub text: String,
    /// The directives that are wrong, and why.
    pub reason: String,
    /// The filter that stays.
    pub stays: String,
}

impl FilterHandle {
    /// Filters that are valid. A filter that is not becomes `info`.
    pub(crate) fn new(choices: FilterChoices<'_>) -> Self {
        let own = choices
            .own_level
            .and_then(|level| format!("{OWN}={level}").parse().ok());
        let active = |text: &str, own: Option<&Directive>| {
            let active = ActiveFilter::parse(text, own);
            ArcSwap::from_pointee(active.unwrap_or_else(|_| ActiveFilter::info()))
        };
        Self(Arc::new(Filters {
            active: Arc::new(ActiveFilters {
                logs: active(choices.logs, own.as_ref()),
                spans: active(choices.spans, None),
                span_fields: choices.span_fields,
                transport_logs: choices.transport_logs,
            }),
            own,
            dispatch: OnceLock::new(),
        }))
    }

    /// The subscriber that has these filters.
    pub(crate) fn belong_to(&self, dispatch: &Dispatch) {
        let _ = self.0.dispatch.set(dispatch.downgrade());
    }

    /// The filter of log lines, in the syntax of RUST_LOG.
    pub fn logs(&self) -> String {
        self.0.active.logs.load().text.clone()
    }

    /// The filter of `tracing` spans.
    pub fn spans(&self) -> String {
        self.0.active.spans.load().text.clone()
    }

    /// Writes the log lines that this lets pass from now on. OTEL_LOG_LEVEL, if it was set, still decides about our
    /// own. Else our warnings and errors, and an access log that was asked for, pass a filter that has no level for all
    /// targets and does not name theirs. INFO lines of OpenTelemetry itself pass only a filter that names it.
    ///
    /// Costs about a microsecond for each place in the code that logs; logging goes on meanwhile.
    ///
    /// # Errors
    ///
    /// When a directive is not valid, or is a word such as `true` or `debgu` that was meant to be a level. Nothing has
    /// changed then.
    pub fn set_logs(&self, filter: &str) -> Result<(), FilterError> {
        let filters = &*self.0;
        filters.set(&filters.active.logs, "log", filter, filters.own.as_ref())
    }

    /// Records the `tracing` spans that this lets pass and that begin from now on.
    ///
    /// # Errors
    ///
    /// As [`set_logs`](Self::set_logs).
    pub fn set_spans(&self, filter: &str) -> Result<(), FilterError> {
        let filters = &*self.0;
        filters.set(&filters.active.spans, "span", filter, None)
    }

    pub(crate) fn of_logs(&self) -> LogFilter {
        LogFilter(self.0.active.clone())
    }

    pub(crate) fn of_spans(&self) -> SpanFilter {
        SpanFilter(self.0.active.clone())
    }
}

impl Filters {
    fn set(
        &self,
        filter: &ArcSwap<ActiveFilter>,
        which: &'static str,
        text: &str,
        own: Option<&Directive>,
    ) -> Result<(), FilterError> {
        let active = ActiveFilter::parse(text, own).map_err(|reason| FilterError {
            which,
            text: text.to_owned(),
            reason,
            stays: filter.load().text.clone(),
        })?;
        filter.store(Arc::new(active));
        // If there is but one subscriber, tracing asks the one that is current, whichever thread this is.
        match self.dispatch.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => dispatcher::with_default(&dispatch, rebuild_interest_cache),
            None => rebuild_interest_cache(),
        }
        Ok(())
    }
}

impl fmt::Debug for FilterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterHandle")
            .field("logs", &self.logs())
            .field("spans", &self.spans())
            .finish()
    }
}
