//! One call: its client span and duration, ended exactly once.

use std::{
    borrow::Cow,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use http::{HeaderMap, Request, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, Status, TraceContextExt as _},
};
use telemetry_api::instrument::tracer::is_recorded;
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
    layer::Shared,
    metrics::{GrpcInstruments, KnownMethod, Labels, method_name},
    status::{self, Failure},
};
use crate::{carry, middleware};

/// How a call ended, if not with a status or an error.
const OUTCOME: &str = "telemetry.outcome";

/// Owned by the response future first and by the response body then; whoever drops it ends the call.
#[derive(Debug)]
pub(crate) struct Call {
    shared: Arc<Shared>,
    instruments: Arc<GrpcInstruments>,
    cx: Context,
    started: Instant,
    method: KnownMethod,
    http_status: StatusCode,
    /// Still set when it is dropped if a poll did not return: something below panicked, whoever caught it.
    in_poll: bool,
    ended: bool,
}

impl Call {
    /// Starts the call and writes the metadata; `None` if there is nothing to measure with.
    pub(crate) fn begin<B>(shared: &Arc<Shared>, request: &mut Request<B>) -> Option<Self> {
        let propagates = shared.propagates && !carry::opted_out(request.extensions());
        let Some(instruments) = shared.instruments.get() else {
            if propagates {
                Context::map_current(|cx| carry::inject(cx, None, false, request.headers_mut()));
            }
            return None;
        };
        // Generated clients name their methods; any other path may hold anything.
        let method = request
            .extensions()
            .get::<GrpcMethod<'static>>()
            .and_then(|method| instruments.method(method));
        let (cx, orphan) = Context::map_current(|parent| {
            if parent.is_telemetry_suppressed() {
                return None;
            }
            let orphan = !parent.span().span_context().is_valid();
            let name = match &method {
                Some(method) => Cow::Owned(String::from(&**method)),
                None => Cow::Borrowed(GRPC),
            };
            let cx = instruments
                .tracer
                .start(parent, name, SpanKind::Client, || {
                    at_start(shared, &method, request.uri().path())
                });
            Some((cx, orphan))
        })?;
        if orphan
            && !shared.reported.load(Ordering::Relaxed)
            && !shared.reported.swap(true, Ordering::Relaxed)
        {
            middleware::report_orphan();
        }
        if propagates {
            carry::inject(
                &cx,
                Some(&instruments.propagation),
                shared.listed,
                request.headers_mut(),
            );
        }
        Some(Self {
            shared: shared.clone(),
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
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.in_poll = true;
        let attached = self.cx.clone().attach();
        let polled = poll();
        drop(attached);
        self.in_poll = false;
        polled
    }

    /// The response's head is there, without a status.
    pub(crate) fn head(&mut self, status: StatusCode) {
        self.http_status = status;
    }

    /// The status is there.
    pub(crate) fn trailers(self, trailers: &HeaderMap) {
        match status::received(trailers) {
            Some(status) => self.received(status),
            None => self.ended_without_status(),
        }
    }

    pub(crate) fn received(mut self, status: &'static str) {
        let error = semconv_rpc::is_client_error(status).then_some(status);
        self.end(status, error, None);
    }

    /// The stream ended, and a client must make up a status.
    pub(crate) fn ended_without_status(self) {
        let status = semconv_rpc::status_code_of_http(self.http_status.as_u16());
        self.received(status);
    }

    pub(crate) fn failed(mut self, Failure { status, error_type }: Failure) {
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
                outcome.map(|outcome| KeyValue::new(OUTCOME, outcome)),
            ];
            span.set_attributes(optional.into_iter().flatten());
            if error.is_some() {
                // The status code, or error.type, says it all, and a message could hold anything: no description.
                span.set_status(Status::error(""));
            }
        }
        let labels = Labels {
            address: self.shared.address.clone(),
            method: self.method.clone(),
            status,
            error,
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments
            .duration(&labels)
            .record(seconds, span.span_context());
        // Nobody is told of the end of one that records nothing, which may be that of the caller.
        if recorded {
            span.end();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.in_poll {
            // What a client makes of an error of which nothing is known.
            self.end("UNKNOWN", Some("panic"), Some("panicked"));
        } else {
            // The caller wanted no more, which is no error of the call: only its outcome tells.
            self.end("CANCELLED", None, Some("cancelled"));
        }
    }
}

fn at_start(shared: &Shared, method: &KnownMethod, path: &str) -> Vec<KeyValue> {
    // Room for those set at the end, so that they do not move the vector.
    let mut attributes = Vec::with_capacity(8);
    attributes.push(KeyValue::new(RPC_SYSTEM_NAME, GRPC));
    attributes.push(KeyValue::new(RPC_METHOD, method_name(method)));
    if method.is_none() {
        let original = path.strip_prefix('/').unwrap_or(path);
        attributes.push(KeyValue::new(RPC_METHOD_ORIGINAL, original.to_owned()));
    }
    shared.address.push_to(&mut attributes);
    attributes
}
