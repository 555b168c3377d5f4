//! What stands for TLS in a program built without the feature `tls`: there is never any, since no
//! such endpoint is resolved.

use crate::pipeline::{endpoint::Endpoint, error::BootstrapError};

#[derive(Debug)]
pub(super) enum Files {}

impl Files {
    pub(super) fn read(endpoint: &Endpoint, _signal: &str) -> Result<Self, BootstrapError> {
        Err(endpoint.unusable("it needs the feature `tls` of telemetry-core".to_owned()))
    }

    pub(super) fn is_anonymous(&self) -> bool {
        match *self {}
    }

    pub(super) fn configure_http(
        self,
        _builder: reqwest::ClientBuilder,
    ) -> reqwest::Result<reqwest::ClientBuilder> {
        match self {}
    }

    #[cfg(feature = "grpc")]
    pub(super) fn configure_grpc(
        self,
        _channel: tonic::transport::Endpoint,
    ) -> Result<tonic::transport::Endpoint, tonic::transport::Error> {
        match self {}
    }
}

/// If another crate gave reqwest an implementation, that reads the machine's roots all the same.
pub(super) fn none(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}
