//! What stands for gRPC calls in a program built without the feature `grpc`: there are none.

use http::{HeaderMap, Request, StatusCode};
use opentelemetry::{Context, KeyValue};
use telemetry_api::instrument::Providers;

use crate::{
    attributes::Caller,
    guard::Outcome,
    options::{Options, Shared},
};

#[derive(Clone, Debug)]
pub(crate) enum Methods {}

#[derive(Debug)]
pub(crate) enum Call {}

pub(crate) struct CallEnding<'a> {
    pub(crate) method: &'a str,
    pub(crate) status: Option<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Instruments;

impl Shared {
    pub(crate) fn grpc_call<B>(&self, _: &Request<B>) -> Option<Call> {
        match *self.options.grpc.as_ref()? {}
    }
}

impl Call {
    pub(crate) fn name(&self) -> String {
        match *self {}
    }

    pub(crate) fn attributes<B>(
        &self,
        _: &Caller<'_>,
        _: &Request<B>,
        _: &Options,
    ) -> Vec<KeyValue> {
        match *self {}
    }

    pub(crate) fn head(&mut self, _: &HeaderMap) {
        match *self {}
    }

    pub(crate) fn trailers(&mut self, _: &HeaderMap) {
        match *self {}
    }

    pub(crate) fn ending(&self, _: Outcome, _: Option<StatusCode>) -> CallEnding<'_> {
        match *self {}
    }

    pub(crate) fn end(
        &self,
        _: &Instruments,
        _: &Context,
        _: Outcome,
        _: Option<StatusCode>,
        _: f64,
    ) {
        match *self {}
    }
}

impl Instruments {
    pub(crate) fn new(_: &Providers) -> Self {
        Self
    }
}
