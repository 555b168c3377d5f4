//! gRPC calls by the RPC conventions, instead of the HTTP requests they are on the wire.
//!
//! Source: OpenTelemetry semantic conventions 1.44, gRPC (release candidate).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt},
};
use telemetry_core::{
    Providers,
    metrics::{BoundDuration, DurationHistogram, overflow},
    semconv_http::{
        Authority, DURATION_BOUNDS,
        attribute::{ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT},
    },
    series::{Series, SeriesCache},
};

use crate::{
    TelemetryLayer,
    attributes::{Caller, short},
    guard::Outcome,
    metrics::scope,
    options::{Options, Shared},
};

const RPC_METHOD: &str = "rpc.method";
const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
const RPC_SYSTEM_NAME: &str = "rpc.system.name";
const GRPC: &str = "grpc";
/// A method the server does not know.
const OTHER: &str = "_OTHER";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Methods times statuses of a service.
const MAX_SERIES: usize = 1500;

impl TelemetryLayer {
    /// Treats gRPC calls as such: spans are named by the method and carry `rpc.*`, the status is that of the trailers,
    /// and the duration is `rpc.server.call.duration` in seconds; none of it counts as HTTP. Other requests are not
    /// affected. For tonic servers, and for servers of both kinds on one port.
    ///
    /// A call that was answered `UNIMPLEMENTED`, or by no gRPC service at all, has the method `_OTHER`: strangers can ask
    /// for any. [`with_grpc_methods`](Self::with_grpc_methods) says which ones exist.
    pub fn with_grpc(self) -> Self {
        self.with_grpc_methods([] as [&str; 0])
    }

    /// [`with_grpc`](Self::with_grpc) for a server of exactly these methods, each as `package.Service/Method`; any
    /// other is `_OTHER`, and these are themselves whatever they answer.
    pub fn with_grpc_methods(self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(|options| {
            let methods = methods
                .into_iter()
                .map(|method| method.into().into_boxed_str());
            options.grpc = Some(Methods(methods.collect()));
        })
    }
}

/// The methods that exist; if empty, the answers tell.
#[derive(Clone, Debug)]
pub(crate) struct Methods(Box<[Box<str>]>);

impl Shared {
    /// The call, if calls are wanted and this is one.
    pub(crate) fn grpc_call<B>(&self, request: &Request<B>) -> Option<Call> {
        let Methods(known) = self.options.grpc.as_ref()?;
        if !is_grpc(request.headers()) {
            return None;
        }
        let method = short(request.uri().path().trim_start_matches('/'));
        Some(Call {
            method: Arc::from(method),
            known: known.iter().any(|known| **known == *method),
            open: known.is_empty(),
            accepted: false,
            status: None,
        })
    }
}

/// A gRPC call, from its request to its trailers.
#[derive(Debug)]
pub(crate) struct Call {
    method: Arc<str>,
    /// It is on the list.
    known: bool,
    /// There is no list.
    open: bool,
    /// The answer is one of gRPC, and not of whatever else is on the port.
    accepted: bool,
    status: Option<&'static str>,
}

/// How a call ended, in the words of the conventions.
pub(crate) struct CallEnding<'a> {
    /// The method, or `_OTHER`.
    pub(crate) method: &'a str,
    pub(crate) status: Option<&'static str>,
    error: Option<&'static str>,
}

impl Call {
    /// The span's name: the method, unless it is known not to exist.
    pub(crate) fn name(&self) -> String {
        if self.known || self.open {
            self.method.as_ref().to_owned()
        } else {
            GRPC.to_owned()
        }
    }

    /// What is known when the span starts.
    pub(crate) fn attributes<B>(
        &self,
        caller: &Caller<'_>,
        request: &Request<B>,
        options: &Options,
    ) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(12);
        attributes.push(KeyValue::new(RPC_SYSTEM_NAME, GRPC));
        if self.known {
            attributes.push(KeyValue::new(RPC_METHOD, self.method.clone()));
        }
        let server = caller.asked_for(request);
        if let Some(Authority { host, port }) = server.and_then(Authority::parse) {
            attributes.push(KeyValue::new(SERVER_ADDRESS, host.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        }
        caller.network(options, &mut attributes);
        attributes
    }

    /// Takes what the head of the answer says.
    pub(crate) fn head(&mut self, headers: &HeaderMap) {
        self.accepted = is_grpc(headers);
        self.trailers(headers);
    }

    /// Takes the status from trailers, or from the headers of an answer without a message.
    pub(crate) fn trailers(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(GRPC_STATUS) {
            self.status = Some(status_name(code.as_bytes()));
        }
    }

    /// How the call ended that was answered with this status of HTTP.
    pub(crate) fn ending(&self, outcome: Outcome, http: Option<StatusCode>) -> CallEnding<'_> {
        let status = match (outcome, self.status) {
            (_, Some(status)) => Some(status),
            (Outcome::Completed | Outcome::ClientDisconnected, None) => match http {
                Some(http) if http != StatusCode::OK => Some(status_of(http)),
                // What gRPC itself calls these two.
                _ if outcome == Outcome::Completed => Some("UNKNOWN"),
                _ => Some("CANCELLED"),
            },
            _ => None,
        };
        let error = match (outcome, status) {
            (Outcome::Completed | Outcome::ClientDisconnected, Some(status)) => {
                is_server_error(status).then_some(status)
            }
            _ => Some(outcome.error_type()),
        };
        // A stranger can ask for any: what only HTTP answered, or nobody, is no method.
        let answered = match self.status {
            Some(status) => status != "UNIMPLEMENTED",
            None => self.accepted,
        };
        let exists = self.known || (self.open && answered);
        CallEnding {
            method: if exists { &self.method } else { OTHER },
            status,
            error,
        }
    }

    /// Ends the call: what the span still lacks, and its duration.
    pub(crate) fn end(
        &self,
        instruments: &Instruments,
        cx: &Context,
        outcome: Outcome,
        http: Option<StatusCode>,
        seconds: f64,
    ) {
        let ending = self.ending(outcome, http);
        let CallEnding {
            method,
            status,
            error,
        } = ending;
        let span = cx.span();
        if telemetry_core::tracer::is_recorded(&span) {
            if !self.known {
                span.set_attribute(KeyValue::new(RPC_METHOD, method.to_owned()));
            }
            if method == OTHER {
                span.update_name(GRPC);
                span.set_attribute(KeyValue::new(RPC_METHOD_ORIGINAL, self.method.clone()));
            }
            if let Some(status) = status {
                span.set_attribute(KeyValue::new(RPC_RESPONSE_STATUS_CODE, status));
            }
            if let Some(error) = error {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error));
                span.set_status(Status::error(""));
            }
            if outcome != Outcome::Completed {
                span.set_attribute(KeyValue::new(crate::guard::OUTCOME, outcome.as_str()));
            }
        }
        let labels = Labels {
            method: Arc::from(method),
            status,
            error,
        };
        instruments
            .series(&labels)
            .record(seconds, span.span_context());
    }
}

/// The labels of a call's duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels {
    method: Arc<str>,
    status: Option<&'static str>,
    error: Option<&'static str>,
}

/// The instruments of RPC servers.
#[derive(Debug)]
pub(crate) struct Instruments {
    duration: DurationHistogram,
    series: SeriesCache<Labels, BoundDuration>,
}

impl Instruments {
    pub(crate) fn new(providers: &Providers) -> Self {
        let duration = providers.duration_histogram(
            &providers.meter(scope()),
            "rpc.server.call.duration",
            "Measures the duration of an incoming Remote Procedure Call (RPC).",
            &DURATION_BOUNDS,
        );
        Self {
            duration,
            series: SeriesCache::new(MAX_SERIES),
        }
    }

    fn series(&self, labels: &Labels) -> BoundDuration {
        self.series.get(labels, |series| {
            let attributes = match series {
                Series::Of(labels) => labels.attributes(),
                Series::Overflow => overflow(),
            };
            self.duration.bind(&attributes)
        })
    }
}

impl Labels {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new(RPC_SYSTEM_NAME, GRPC),
            KeyValue::new(RPC_METHOD, self.method.clone()),
        ];
        attributes.extend(
            self.status
                .map(|status| KeyValue::new(RPC_RESPONSE_STATUS_CODE, status)),
        );
        attributes.extend(self.error.map(|error| KeyValue::new(ERROR_TYPE, error)));
        attributes
    }
}

/// Whether the content is that of gRPC: `application/grpc`, perhaps with a format or parameters. What merely begins like
/// it, as gRPC-Web does, has its status elsewhere.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// The status of a call that was answered by HTTP alone, as gRPC's clients map it.
fn status_of(http: StatusCode) -> &'static str {
    match http.as_u16() {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502 | 503 | 504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

/// The convention's list for servers: the others are the caller's doing.
fn is_server_error(status: &str) -> bool {
    matches!(
        status,
        "UNKNOWN"
            | "DEADLINE_EXCEEDED"
            | "UNIMPLEMENTED"
            | "INTERNAL"
            | "UNAVAILABLE"
            | "DATA_LOSS"
    )
}

/// The name of a `grpc-status`; what is none is UNKNOWN, as clients treat it.
fn status_name(code: &[u8]) -> &'static str {
    match code {
        b"0" => "OK",
        b"1" => "CANCELLED",
        b"3" => "INVALID_ARGUMENT",
        b"4" => "DEADLINE_EXCEEDED",
        b"5" => "NOT_FOUND",
        b"6" => "ALREADY_EXISTS",
        b"7" => "PERMISSION_DENIED",
        b"8" => "RESOURCE_EXHAUSTED",
        b"9" => "FAILED_PRECONDITION",
        b"10" => "ABORTED",
        b"11" => "OUT_OF_RANGE",
        b"12" => "UNIMPLEMENTED",
        b"13" => "INTERNAL",
        b"14" => "UNAVAILABLE",
        b"15" => "DATA_LOSS",
        b"16" => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}
