//! What stands for TLS in a program built without the feature `tls`: there is never any, since no
//! such endpoint is resolved.

use crate::{error::BootstrapError, otlp::endpoint::Endpoint};

#[derive(Debug)]
pub(crate) enum Files {}

impl Files {
    pub(crate) fn read(endpoint: &Endpoint, _signal: &str) -> Result<Self, BootstrapError> {
        Err(endpoint.unusable("it needs the feature `tls` of telemetry-core".to_owned()))
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        match *self {}
    }

    pub(crate) fn configure_http(
        self,
        _builder: reqwest::ClientBuilder,
    ) -> reqwest::Result<reqwest::ClientBuilder> {
        match self {}
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn configure_grpc(
        self,
        _channel: tonic::transport::Endpoint,
    ) -> Result<tonic::transport::Endpoint, tonic::transport::Error> {
        match self {}
    }
}

/// If another crate gave reqwest an implementation, that reads the machine's roots all the same.
pub(crate) fn none(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}
