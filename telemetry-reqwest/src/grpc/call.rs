//! One gRPC call: its client span and duration, which end exactly once.

use std::{borrow::Cow, sync::Arc, time::Instant};

use http::{HeaderMap, Request, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, Status, TraceContextExt as _},
};
use telemetry_api::instrument::tracer::{Tracer, is_recorded};
use telemetry_semconv::{
    http::attribute::ERROR_TYPE,
    rpc as semconv_rpc,
    rpc::{
        GRPC,
        attribute::{RPC_METHOD, RPC_METHOD_ORIGINAL, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME},
    },
};
use tonic::GrpcMethod;

use super::{
    channel::ChannelTelemetry,
    metrics::{GrpcInstruments, GrpcLabels, KnownMethod, method_name},
    status::{self, GrpcFailure},
};
use crate::{outcome, outgoing};

/// Ends exactly once, at the latest when it is dropped. The response future owns it first, and the response body then.
#[derive(Debug)]
pub(super) struct GrpcCall {
    channel: Arc<ChannelTelemetry>,
    instruments: Arc<GrpcInstruments>,
    cx: Context,
    started: Instant,
    method: KnownMethod,
    http_status: StatusCode,
    /// True during a poll. If it is true when the call is dropped, code inside the call panicked.
    in_poll: bool,
    ended: bool,
}

impl GrpcCall {
    /// Starts a call and writes its metadata. Returns `None` while there are no providers, and where telemetry is
    /// suppressed.
    pub(super) fn start<B>(
        channel: &Arc<ChannelTelemetry>,
        request: &mut Request<B>,
    ) -> Option<Self> {
        let propagates = channel.propagates && !outgoing::opted_out(request.extensions());
        let Some(instruments) = channel.instruments.get() else {
            if propagates {
                Context::map_current(|cx| outgoing::inject(cx, None, false, request.headers_mut()));
            }
            return None;
        };
        // Generated clients name their methods. Any other path can contain anything.
        let method = request
            .extensions()
            .get::<GrpcMethod<'static>>()
            .and_then(|method| instruments.method(method));
        let path = request.uri().path();
        let (cx, is_orphan) = start_span(&instruments.tracer, &method, || {
            attributes(channel, &method, path)
        })?;
        if is_orphan {
            channel.orphans.log_once();
        }
        if propagates {
            let propagation = Some(&instruments.propagation);
            outgoing::inject(&cx, propagation, channel.listed, request.headers_mut());
        }
        Some(Self {
            channel: channel.clone(),
            instruments: instruments.clone(),
            cx,
            started: Instant::now(),
            method,
            http_status: StatusCode::OK,
            in_poll: false,
            ended: false,
        })
    }

    /// Makes the call's context current for one poll.
    pub(super) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let attached = self.cx.clone().attach();
        let polled = poll();
        drop(attached);
        self.in_poll = false;
        polled
    }

    /// Notes the HTTP status of a head without a gRPC status.
    pub(super) fn head(&mut self, status: StatusCode) {
        self.http_status = status;
    }

    /// Ends the call with the status of its trailers.
    pub(super) fn trailers(self, trailers: &HeaderMap) {
        match status::received(trailers) {
            Some(status) => self.received(status),
            None => self.ended_without_status(),
        }
    }

    /// Ends the call with a status that the server sent.
    pub(super) fn received(mut self, status: &'static str) {
        let error = semconv_rpc::is_client_error(status).then_some(status);
        self.end(status, error, None);
    }

    /// Ends the call without a status. gRPC maps the HTTP status to one.
    pub(super) fn ended_without_status(self) {
        let status = semconv_rpc::status_code_of_http(self.http_status.as_u16());
        self.received(status);
    }

    /// Ends the call with a failure of the client.
    pub(super) fn failed(mut self, GrpcFailure { status, error_type }: GrpcFailure) {
        self.end(status, Some(error_type), None);
    }

    fn end(
        &mut self,
        status: &'static str,
        error: Option<&'static str>,
        outcome: Option<&'static str>,
    ) {
        self.ended = true;
        let span = self.cx.span();
        let recorded = is_recorded(&span);
        if recorded {
            let optional = [
                Some(KeyValue::new(RPC_RESPONSE_STATUS_CODE, status)),
                error.map(|error| KeyValue::new(ERROR_TYPE, error)),
                outcome.map(outcome::attribute),
            ];
            span.set_attributes(optional.into_iter().flatten());
            if error.is_some() {
                // No description: the status code or `error.type` is enough, and a message can contain anything.
                span.set_status(Status::error(""));
            }
        }
        let labels = GrpcLabels {
            address: self.channel.address.clone(),
            method: self.method.clone(),
            status,
            error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .duration(&labels)
            .record(seconds, span.span_context());
        // A span that is not recorded may be that of the caller, which must not end here.
        if recorded {
            span.end();
        }
    }
}

impl Drop for GrpcCall {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.in_poll {
            // gRPC clients report an error without a known cause as `UNKNOWN`.
            self.end("UNKNOWN", Some("panic"), Some(outcome::PANICKED));
        } else {
            // The caller dropped the call, which is not an error.
            self.end("CANCELLED", None, Some(outcome::CANCELLED));
        }
    }
}

/// Starts the span below the current one, and returns its context and true if there was no span around it. Returns
/// `None` where telemetry is suppressed.
fn start_span(
    tracer: &Tracer,
    method: &KnownMethod,
    attributes: impl FnOnce() -> Vec<KeyValue>,
) -> Option<(Context, bool)> {
    Context::map_current(|parent| {
        if parent.is_telemetry_suppressed() {
            return None;
        }
        let is_orphan = !parent.span().span_context().is_valid();
        let name = match method {
            Some(method) => Cow::Owned(String::from(&**method)),
            None => Cow::Borrowed(GRPC),
        };
        let cx = tracer.start(parent, name, SpanKind::Client, attributes);
        Some((cx, is_orphan))
    })
}

/// The attributes that are known when the span starts.
fn attributes(channel: &ChannelTelemetry, method: &KnownMethod, path: &str) -> Vec<KeyValue> {
    // Capacity for those set at the end.
    let mut attributes = Vec::with_capacity(8);
    attributes.push(KeyValue::new(RPC_SYSTEM_NAME, GRPC));
    attributes.push(KeyValue::new(RPC_METHOD, method_name(method)));
    if method.is_none() {
        let original = path.strip_prefix('/').unwrap_or(path);
        attributes.push(KeyValue::new(RPC_METHOD_ORIGINAL, original.to_owned()));
    }
    channel.address.push_to(&mut attributes);
    attributes
}
