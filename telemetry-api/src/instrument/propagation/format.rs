//! The table of formats.
//!
//! A row names a variant and its module. The module has
//!
//! - `NAME`, the name in OTEL_PROPAGATORS,
//! - `FIELDS`, the headers it writes, and `PREFIXES`, the beginnings of those whose names are not fixed,
//! - `receive` and `inject`.
//!
//! The compiler refuses a row without one of these, and [`Format`] has no variant that is not in the table.

use std::{fmt, sync::Arc};

use http::HeaderMap;
use opentelemetry::{Context, propagation::TextMapPropagator};

use super::{PresentHeaders, Received, b3, b3_multi, baggage, custom, jaeger, trace_context, xray};

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident => $module:ident,)*) => {
        /// One propagation format.
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* $variant,)*
            /// Any OpenTelemetry propagator. One that panics reads and writes nothing.
            Custom(Arc<dyn TextMapPropagator + Send + Sync>),
        }

        impl Format {
            /// The names in OTEL_PROPAGATORS, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$($module::NAME),*];

            /// The format of a name in OTEL_PROPAGATORS, exactly as [`NAMES`](Self::NAMES) has it.
            pub fn from_name(name: &str) -> Option<Self> {
                $(if name == $module::NAME {
                    return Some(Self::$variant);
                })*
                None
            }

            /// Its name in OTEL_PROPAGATORS; `custom` for a propagator that has none.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant => $module::NAME,)*
                    Self::Custom(_) => "custom",
                }
            }

            /// The headers it writes, as far as their names are fixed.
            pub(super) fn fields(&self) -> Vec<&str> {
                match self {
                    $(Self::$variant => $module::FIELDS.to_vec(),)*
                    Self::Custom(propagator) => propagator.fields().collect(),
                }
            }

            /// The beginnings of the names of headers that it writes in any number.
            pub(super) fn prefixes(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => $module::PREFIXES,)*
                    Self::Custom(_) => &[],
                }
            }

            pub(super) fn receive(
                &self,
                received: Received,
                headers: &HeaderMap,
                present: PresentHeaders,
            ) -> Received {
                match self {
                    $(Self::$variant => $module::receive(received, headers, present),)*
                    Self::Custom(propagator) => custom::receive(&**propagator, received, headers),
                }
            }

            pub(super) fn inject(
                &self,
                cx: &Context,
                headers: &mut HeaderMap,
                present: PresentHeaders,
            ) {
                match self {
                    $(Self::$variant => $module::inject(cx, headers, present),)*
                    Self::Custom(propagator) => custom::inject(&**propagator, cx, headers),
                }
            }
        }
    };
}

formats! {
    /// `traceparent` and `tracestate`, W3C Trace Context.
    TraceContext => trace_context,
    /// `baggage`, W3C Baggage.
    Baggage => baggage,
    /// `b3`, Zipkin's single header. Both of Zipkin's forms are read.
    B3 => b3,
    /// `x-b3-*`, Zipkin's several headers. Both of Zipkin's forms are read.
    B3Multi => b3_multi,
    /// `uber-trace-id` and `uberctx-*`, Jaeger's own.
    Jaeger => jaeger,
    /// `x-amzn-trace-id`, AWS X-Ray.
    XRay => xray,
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
