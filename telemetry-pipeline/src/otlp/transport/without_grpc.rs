//! What stands for OTLP over gRPC in a program built without the feature `grpc`: there is never any, since
//! no such endpoint is resolved.

use bytes::Bytes;

use super::{Accepted, ExportError, tls};
use crate::{error::BootstrapError, otlp::endpoint::Endpoint};

#[derive(Debug)]
pub(crate) enum Client {}

impl Client {
    pub(crate) fn new(
        endpoint: &Endpoint,
        _files: Option<tls::Files>,
        _path: &'static str,
    ) -> Result<Self, BootstrapError> {
        Err(endpoint.unusable("it needs the feature `grpc` of telemetry-core".to_owned()))
    }

    pub(crate) async fn send(&self, _body: Bytes) -> Result<Accepted, ExportError> {
        match *self {}
    }
}
