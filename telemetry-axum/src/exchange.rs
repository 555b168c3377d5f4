//! The conventions by which one request is recorded: those of HTTP, or those of gRPC.

pub(crate) mod http_attributes;
pub(crate) mod http_exchange;

use std::{borrow::Cow, io::IoSlice};

use bytes::Buf;
use http::HeaderMap;
use opentelemetry::{Context, KeyValue};

use self::http_exchange::HttpExchange;
use crate::{
    grpc::grpc_call::GrpcCall,
    handler::operation_name::Operation,
    layer_state::{LayerState, ServerTelemetry},
    options::{LayerOptions, captured_headers::CapturedHeaders},
    request::incoming_request::IncomingRequest,
    response::ended_request::EndedRequest,
};

/// One request and its response. A variant knows the names, attributes, metrics and log line of its protocol; the
/// lifecycle is the same for both and stands in [`RequestGuard`](crate::request_guard::RequestGuard).
#[derive(Debug)]
pub(crate) enum Exchange {
    Http(HttpExchange),
    /// In a box, because most servers have no gRPC calls and the guard is moved several times.
    Grpc(Box<GrpcCall>),
}

impl Exchange {
    /// A gRPC call if the layer looks for calls and this is one, else an HTTP request.
    pub(crate) fn new(request: &IncomingRequest<'_>, telemetry: &ServerTelemetry) -> Self {
        match GrpcCall::of(request) {
            Some(call) => Self::Grpc(Box::new(call)),
            None => Self::Http(HttpExchange::new(request, &telemetry.requests)),
        }
    }

    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        match self {
            Self::Http(exchange) => exchange.span_name(),
            Self::Grpc(call) => call.span_name().into(),
        }
    }

    /// The attributes that are known when the span starts, among them all that a sampler may need.
    pub(crate) fn start_attributes(&self, request: &IncomingRequest<'_>) -> Vec<KeyValue> {
        match self {
            Self::Http(exchange) => exchange.start_attributes(request),
            Self::Grpc(call) => call.start_attributes(request),
        }
    }

    /// Counts the request as active. [`leave`](Self::leave) must follow. The RPC conventions have no such metric.
    pub(crate) fn enter(&self) {
        if let Self::Http(exchange) = self {
            exchange.enter();
        }
    }

    pub(crate) fn leave(&self) {
        if let Self::Http(exchange) = self {
            exchange.leave();
        }
    }

    /// Takes the operation that the response names, unless the request has a route already.
    pub(crate) fn name(&mut self, operation: &Operation, layer: &LayerState, cx: &Context) {
        if let (Self::Http(exchange), Some(telemetry)) = (self, layer.telemetry.get()) {
            exchange.name(operation, &telemetry.requests, cx);
        }
    }

    /// Reads the headers of the response.
    pub(crate) fn response_head(&mut self, headers: &HeaderMap) {
        if let Self::Grpc(call) = self {
            call.response_head(headers);
        }
    }

    /// Reads the trailers of the response. Those of HTTP contain nothing that telemetry shows.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Self::Grpc(call) = self {
            call.trailers(trailers);
        }
    }

    /// Reads bytes of the response's body. Those of HTTP contain nothing that telemetry shows.
    pub(crate) fn data(&mut self, data: &impl Buf) {
        if let Self::Grpc(call) = self {
            let mut parts = [IoSlice::new(&[]); 16];
            let count = data.chunks_vectored(&mut parts);
            for part in parts.iter().take(count) {
                call.data(part);
            }
        }
    }

    /// Reads what the end of the response's body tells.
    pub(crate) fn body_ended(&mut self) {
        if let Self::Grpc(call) = self {
            call.body_ended();
        }
    }

    /// The headers of the response that the span shows.
    pub(crate) fn captured_response<'a>(&self, options: &'a LayerOptions) -> &'a CapturedHeaders {
        match self {
            Self::Http(_) => &options.captured_response_headers,
            Self::Grpc(_) => &options.captured_response_metadata,
        }
    }

    /// The trailers of the response that the span shows; `None` for HTTP, whose conventions have none.
    pub(crate) fn captured_trailers<'a>(
        &self,
        options: &'a LayerOptions,
    ) -> Option<&'a CapturedHeaders> {
        match self {
            Self::Http(_) => None,
            Self::Grpc(_) => Some(&options.captured_response_metadata),
        }
    }

    /// Returns true if a body of the declared length is a whole response. A gRPC response ends with its trailers.
    pub(crate) fn ends_at_declared_length(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// Completes the span, and records the metrics.
    pub(crate) fn record(&self, ended: &EndedRequest, layer: &LayerState, cx: &Context) {
        match self {
            Self::Http(exchange) => {
                if let Some(telemetry) = layer.telemetry.get() {
                    let with_sizes = layer.options.body_sizes;
                    exchange.record(ended, &telemetry.requests, with_sizes, cx);
                }
            }
            Self::Grpc(call) => {
                if let Some(metrics) = layer.calls.get() {
                    call.record(ended, metrics, cx);
                }
            }
        }
    }

    /// Writes the line of the access log.
    pub(crate) fn write_access_log(&self, ended: &EndedRequest) {
        match self {
            Self::Http(exchange) => exchange.write_access_log(ended),
            Self::Grpc(call) => call.write_access_log(ended),
        }
    }
}
