//! An application's choice of the traces to sample.

use std::time::Duration;

use opentelemetry::{KeyValue, trace::SpanKind};

use super::{rule::Rule, share::Share, shortcut::Known};
use telemetry_api::instrument::tracer::{Decides, SamplingHint};

/// The choice of the traces to sample.
///
/// The decision is made once for each trace in each process, when its first span there starts, and all spans below it
/// follow. A caller's decision stands: only traces that begin here are decided about
/// ([`ignoring_parents`](Self::ignoring_parents) changes that).
///
/// ```
/// use std::time::Duration;
/// use telemetry_pipeline::{Config, Rule, SamplerPolicy};
///
/// let policy = SamplerPolicy::ratio(0.05)
///     .with_rule(Rule::drop().path("/health*"))
///     .with_rule(Rule::keep().route("/checkout"))
///     .keeping_errors()
///     .keeping_slower_than(Duration::from_secs(1));
/// let config = Config::new("shop").with_sampler(policy);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SamplerPolicy {
    share: Share,
    rules: Vec<Rule>,
    heeds_parents: bool,
    keeps_errors: bool,
    keeps_slower_than: Option<Duration>,
}

impl SamplerPolicy {
    /// Every trace. The default.
    pub fn always_on() -> Self {
        Self::new(Share::All)
    }

    /// No trace.
    pub fn always_off() -> Self {
        Self::new(Share::None)
    }

    /// This share of the traces, 0 to 1. What lies beyond is the nearest of the two; what is not a number is 1.
    ///
    /// The last 56 bits of the trace id decide, so services with the same ratio agree about every trace, and what a
    /// lower ratio samples a higher one samples, too. The ratio is rounded to four significant hexadecimal digits and
    /// travels as `ot=th:..` in `tracestate`, so that back ends can tell how many traces each sampled one stands for.
    pub fn ratio(ratio: f64) -> Self {
        Self::new(Share::ratio(ratio))
    }

    /// At most so many traces a second in this process, after a pause up to one second's worth at once and always at
    /// least one. Less than one a second is possible, such as 0.1. A rate that is not above 0 samples nothing.
    pub fn rate_limited(traces_per_second: f64) -> Self {
        Self::new(Share::rate_limited(traces_per_second))
    }

    fn new(share: Share) -> Self {
        Self {
            share,
            rules: Vec::new(),
            heeds_parents: true,
            keeps_errors: false,
            keeps_slower_than: None,
        }
    }

    /// An exception. The first rule that matches the first span of a trace decides about it.
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Decides about every trace that enters this process, whatever its caller has decided. Default: the caller's
    /// decision stands.
    pub fn ignoring_parents(mut self) -> Self {
        self.heeds_parents = false;
        self
    }

    /// Also exports a trace that is not sampled if its local root ends with the status Error.
    ///
    /// See [`keeping_slower_than`](Self::keeping_slower_than), which works the same way.
    pub fn keeping_errors(mut self) -> Self {
        self.keeps_errors = true;
        self
    }

    /// Also exports a trace that is not sampled if its local root takes longer than this.
    ///
    /// The *local root* is the span without a parent in this process: of a request, its server span. While it runs,
    /// the spans of its trace in this process are recorded, and those that end are held back. When it ends in error or
    /// too late, they are exported, marked as sampled, and so are those that end later; the root says why in
    /// `telemetry.kept` (`error` or `slow`). Otherwise they are discarded when it ends. Several local roots of one trace
    /// are kept or discarded together, when the last of them ends.
    ///
    /// The spans that are held back are bounded: 4096 traces, 512 spans a trace, 16 MiB in all. A trace beyond that is not recorded
    /// and a span beyond that is lost to a trace that is kept; both are [counted](super::SamplerHandle::counts).
    ///
    /// Other services are not told: to them the trace is not sampled, and each keeps its own errors and slow requests.
    /// Exemplars lead to sampled traces only. Recording costs what it costs for a sampled span, less the export.
    pub fn keeping_slower_than(mut self, threshold: Duration) -> Self {
        self.keeps_slower_than = Some(threshold);
        self
    }

    pub(crate) fn share_of(&self, name: &str, kind: &SpanKind, attributes: &[KeyValue]) -> &Share {
        if self.rules.is_empty() {
            return &self.share;
        }
        self.rules
            .iter()
            .find(|rule| rule.matches(name, kind, attributes))
            .map_or(&self.share, |rule| &rule.share)
    }

    pub(crate) fn heeds_parents(&self) -> bool {
        self.heeds_parents
    }

    /// True if a trace that is not sampled is recorded, because how it ends may matter.
    pub(crate) fn keeps_some(&self) -> bool {
        self.keeps_errors || self.keeps_slower_than.is_some()
    }

    /// Why to keep an unsampled trace whose local root ended like this, if at all.
    pub(crate) fn keeps(&self, failed: bool, duration: Duration) -> Option<&'static str> {
        if self.keeps_errors && failed {
            Some("error")
        } else if self.keeps_slower_than.is_some_and(|bound| duration > bound) {
            Some("slow")
        } else {
            None
        }
    }

    /// The decisions about a trace that begins here which need no look at the policy.
    pub(crate) fn known(&self) -> Known {
        if self.rules.is_empty() && !self.keeps_some() {
            self.share.known()
        } else {
            Known::NOTHING
        }
    }

    pub(crate) fn hint(&self) -> SamplingHint {
        SamplingHint {
            reads_attributes: self.rules.iter().any(Rule::reads_attributes),
            records_roots: self.share.keeps_most() || self.keeps_some(),
            records_unsampled: self.keeps_some(),
            decides: if self.heeds_parents {
                Decides::TraceRoots
            } else {
                Decides::LocalRoots
            },
        }
    }
}

impl Default for SamplerPolicy {
    fn default() -> Self {
        Self::always_on()
    }
}
