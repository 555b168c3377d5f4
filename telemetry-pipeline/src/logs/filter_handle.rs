//! The two filters, of log lines and of spans, changeable while the process runs.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use tracing::{
    Level, Metadata, Subscriber,
    callsite::rebuild_interest_cache,
    dispatcher::{self, Dispatch, WeakDispatch},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    filter::Directive,
    layer::{Context as LayerContext, Filter},
};

use crate::logs::log_context;

/// Crates whose spans are the transport's own and would hang below every client span, or come from exporting.
const TRANSPORT: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];

/// The target of our own lines.
const OWN: &str = "telemetry";

/// Which log lines are written and which `tracing` spans are recorded. Clones are the same filters.
///
/// The two are independent: with the log filter at `warn` the spans of the application stay, and so do the spans of
/// requests, clients and steps, which are no `tracing` spans.
///
/// Both have the syntax of [`EnvFilter`], such as `warn,shop=debug,shop::cart=trace`. The spans of HTTP and TLS crates
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
    logs: ArcSwap<Active>,
    spans: ArcSwap<Active>,
    /// The level of our own lines, if it has a setting of its own.
    own: Option<Directive>,
    /// Whether log lines have the fields of spans.
    span_fields: bool,
    /// Whether the transport's log lines may pass the filter.
    transport_logs: bool,
    dispatch: OnceLock<WeakDispatch>,
}

/// The choices that filters are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterChoices<'a> {
    /// Which log lines pass, in the syntax of [`EnvFilter`].
    pub(crate) logs: &'a str,
    /// Which `tracing` spans are recorded, in the same syntax.
    pub(crate) spans: &'a str,
    /// The level of our own lines, if it has a setting of its own.
    pub(crate) own_level: Option<&'a str>,
    /// Whether log lines have the fields of spans.
    pub(crate) span_fields: bool,
    /// Whether log lines of the HTTP and TLS crates may pass.
    pub(crate) transport_logs: bool,
}

struct Active {
    filter: EnvFilter,
    text: String,
    /// Whether the text is silent about our own warnings: it has no level for all, and nobody of our name. They pass
    /// then, since who says `shop=debug` did not ask for a telemetry that fails unseen.
    own_warnings: bool,
}

/// Why a filter was not set. The one before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {which} filter {text:?} is not valid: {reason}. It stays {stays:?}")]
#[non_exhaustive]
pub struct FilterError {
    /// `log` or `span`.
    pub which: &'static str,
    /// What was to be set.
    pub text: String,
    /// Which directives are wrong, and why.
    pub reason: String,
    /// The filter that stays.
    pub stays: String,
}

impl FilterHandle {
    /// With filters that are valid; of one that is not, `info` is made.
    pub(crate) fn new(choices: FilterChoices<'_>) -> Self {
        let FilterChoices {
            logs,
            spans,
            own_level,
            span_fields,
            transport_logs,
        } = choices;
        let own = own_level.and_then(|level| format!("{OWN}={level}").parse().ok());
        let active = |text: &str, own: Option<&Directive>| {
            Active::parse(text, own).unwrap_or_else(|_| Active {
                filter: EnvFilter::default().add_directive(LevelFilter::INFO.into()),
                text: "info".to_owned(),
                own_warnings: false,
            })
        };
        Self(Arc::new(Filters {
            logs: ArcSwap::from_pointee(active(logs, own.as_ref())),
            spans: ArcSwap::from_pointee(active(spans, None)),
            own,
            span_fields,
            transport_logs,
            dispatch: OnceLock::new(),
        }))
    }

    /// The subscriber that has these filters.
    pub(crate) fn belong_to(&self, dispatch: &Dispatch) {
        let _ = self.0.dispatch.set(dispatch.downgrade());
    }

    /// Which log lines are written, as RUST_LOG says it.
    pub fn logs(&self) -> String {
        self.0.logs.load().text.clone()
    }

    /// Which `tracing` spans are recorded.
    pub fn spans(&self) -> String {
        self.0.spans.load().text.clone()
    }

    /// Writes the log lines that this lets pass from now on. OTEL_LOG_LEVEL, if it was set, still decides about our
    /// own; else our warnings pass a filter that has no level for all and does not name `telemetry`.
    ///
    /// Costs about a microsecond for each place in the code that logs; logging goes on meanwhile.
    ///
    /// # Errors
    ///
    /// When a directive is not valid. Nothing has changed then.
    pub fn set_logs(&self, filter: &str) -> Result<(), FilterError> {
        let filters = &*self.0;
        filters.set(&filters.logs, "log", filter, filters.own.as_ref())
    }

    /// Records the `tracing` spans that this lets pass and that begin from now on.
    ///
    /// # Errors
    ///
    /// As [`set_logs`](Self::set_logs).
    pub fn set_spans(&self, filter: &str) -> Result<(), FilterError> {
        let filters = &*self.0;
        filters.set(&filters.spans, "span", filter, None)
    }

    pub(crate) fn of_logs(&self) -> LogFilter {
        LogFilter(self.0.clone())
    }

    pub(crate) fn of_spans(&self) -> SpanFilter {
        SpanFilter(self.0.clone())
    }
}

impl Filters {
    fn set(
        &self,
        filter: &ArcSwap<Active>,
        which: &'static str,
        text: &str,
        own: Option<&Directive>,
    ) -> Result<(), FilterError> {
        let active = Active::parse(text, own).map_err(|reason| FilterError {
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

impl Active {
    fn parse(text: &str, own: Option<&Directive>) -> Result<Self, String> {
        let filter = env_filter(text).map_err(|reason| explain(text, reason))?;
        Ok(Self {
            filter: match own {
                Some(own) => filter.add_directive(own.clone()),
                None => filter,
            },
            text: text.to_owned(),
            own_warnings: own.is_none() && !text.split(',').any(decides_about_us),
        })
    }
}

/// Whether it is for all targets, or for those that begin as ours does: `EnvFilter` compares beginnings.
fn decides_about_us(directive: &str) -> bool {
    let directive = directive.trim();
    let target = directive.split(['=', '[']).next().unwrap_or_default();
    !target.is_empty() && (OWN.starts_with(target) || directive.parse::<LevelFilter>().is_ok())
}

/// `EnvFilter` takes the place of a character in the trimmed directive for its place in the directive, so that it
/// misreads `info, shop=debug` and panics at `info, é=debug` (tracing-subscriber 0.3.23). It gets them trimmed.
pub(crate) fn env_filter(text: &str) -> Result<EnvFilter, String> {
    let directives = text.split(',').map(str::trim);
    let directives: Vec<_> = directives.filter(|one| !one.is_empty()).collect();
    if directives.is_empty() {
        return Err("it is empty; to let nothing pass say off".to_owned());
    }
    EnvFilter::try_new(directives.join(",")).map_err(|error| error.to_string())
}

/// Names the directives that are wrong by themselves; the parser says only why.
fn explain(text: &str, reason: String) -> String {
    let mut depth = 0_usize;
    let directives = text.split(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let wrong: Vec<_> = directives
        .filter_map(|directive| {
            let error = env_filter(directive).err()?;
            Some(format!("{:?} ({error})", directive.trim()))
        })
        .collect();
    if wrong.is_empty() {
        reason
    } else {
        wrong.join(", ")
    }
}

/// What the log layer sees: the events that the log filter lets pass and, if lines have their fields, spans.
pub(crate) struct LogFilter(Arc<Filters>);

impl Active {
    fn is_own_warning(&self, metadata: &Metadata<'_>) -> bool {
        self.own_warnings
            && metadata.is_event()
            && metadata.target() == OWN
            && *metadata.level() <= Level::WARN
    }
}

impl LogFilter {
    fn excludes(&self, metadata: &Metadata<'_>) -> bool {
        !self.0.transport_logs && is_transport(metadata)
    }

    fn wants_span_fields(&self, metadata: &Metadata<'_>) -> bool {
        self.0.span_fields && metadata.is_span() && !is_transport(metadata)
    }
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &LayerContext<'_, S>) -> bool {
        if self.excludes(metadata) {
            return false;
        }
        let logs = self.0.logs.load();
        logs.filter.enabled(metadata, cx.clone())
            || logs.is_own_warning(metadata)
            || self.wants_span_fields(metadata)
                && self.0.spans.load().filter.enabled(metadata, cx.clone())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.excludes(metadata) {
            return Interest::never();
        }
        let logs = self.0.logs.load();
        if logs.is_own_warning(metadata) {
            return Interest::always();
        }
        let interest = Filter::<S>::callsite_enabled(&logs.filter, metadata);
        if interest.is_never() && self.wants_span_fields(metadata) {
            Filter::<S>::callsite_enabled(&self.0.spans.load().filter, metadata)
        } else {
            interest
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let logs = self.0.logs.load();
        let own = logs.own_warnings.then_some(LevelFilter::WARN);
        let logs = logs
            .filter
            .max_level_hint()?
            .max(own.unwrap_or(LevelFilter::OFF));
        if self.0.span_fields {
            Some(logs.max(self.0.spans.load().filter.max_level_hint()?))
        } else {
            Some(logs)
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().filter.on_new_span(attributes, id, cx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        self.0.logs.load().filter.on_record(id, values, cx);
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().filter.on_enter(id, cx);
    }

    fn on_exit(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().filter.on_exit(id, cx);
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        self.0.logs.load().filter.on_close(id, cx);
    }
}

/// What becomes an OpenTelemetry span: the `tracing` spans that the span filter lets pass, none of the transport and
/// none of our own threads, whatever it says.
pub(crate) struct SpanFilter(Arc<Filters>);

impl<S: Subscriber> Filter<S> for SpanFilter {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &LayerContext<'_, S>) -> bool {
        metadata.is_span()
            && !is_transport(metadata)
            && self.0.spans.load().filter.enabled(metadata, cx.clone())
            && !log_context::is_suppressed()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if !metadata.is_span() || is_transport(metadata) {
            return Interest::never();
        }
        let interest = Filter::<S>::callsite_enabled(&self.0.spans.load().filter, metadata);
        if interest.is_always() {
            // It depends on the thread.
            Interest::sometimes()
        } else {
            interest
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.spans.load().filter.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().filter.on_new_span(attributes, id, cx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: LayerContext<'_, S>) {
        self.0.spans.load().filter.on_record(id, values, cx);
    }

    fn on_enter(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().filter.on_enter(id, cx);
    }

    fn on_exit(&self, id: &Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().filter.on_exit(id, cx);
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        self.0.spans.load().filter.on_close(id, cx);
    }
}

pub(crate) fn is_transport(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let krate = target.split("::").next().unwrap_or_default();
    TRANSPORT.contains(&krate) || krate.starts_with("opentelemetry")
}

impl fmt::Debug for FilterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterHandle")
            .field("logs", &self.logs())
            .field("spans", &self.spans())
            .finish()
    }
}
