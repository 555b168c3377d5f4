//! What stands for TLS in a program built without the feature `tls`: there is never any.

use crate::pipeline::{endpoint::Endpoint, error::BootstrapError};

#[derive(Debug)]
pub(super) enum Files {}

impl Files {
    pub(super) fn read(endpoint: &Endpoint, _signal: &str) -> Result<Self, BootstrapError> {
        Err(BootstrapError::MissingFeature {
            endpoint: endpoint.origin.clone(),
            feature: "tls",
            instead: "export to an http:// endpoint",
        })
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

pub(super) fn none(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}
