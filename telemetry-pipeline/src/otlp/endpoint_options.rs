//! The endpoint of a signal, by the rules of the OTLP exporter specification.

use std::time::Duration;

use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    compression::Compression,
    endpoint::{Endpoint, Tls},
    endpoint_url,
    protocol::Protocol,
    signal::Signal,
    transport,
};
use crate::{error::BootstrapError, settings::redact_endpoint};

/// The settings of one signal's export.
pub(crate) struct Options {
    pub(crate) protocol: Protocol,
    /// The variable that sets the protocol, or the file and its key.
    pub(crate) protocol_set_by: String,
    pub(crate) endpoint: SecretString,
    /// The variable that sets the endpoint, or the file and its key.
    pub(crate) endpoint_set_by: String,
    /// True if the endpoint is the signal's own, which is used as it is, and not a base for all signals.
    pub(crate) endpoint_is_own: bool,
    pub(crate) insecure: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: Tls,
}

/// The endpoint that the settings say.
pub(crate) fn resolve(signal: Signal, options: Options) -> Result<Endpoint, BootstrapError> {
    let protocol = options.protocol;
    let facts = protocol.facts();
    if let Some((feature, instead)) = facts.feature
        && !transport::offers(protocol)
    {
        return Err(BootstrapError::MissingFeature {
            variable: options.protocol_set_by,
            value: protocol.name().to_owned(),
            feature,
            instead,
        });
    }
    let value = options.endpoint.expose_secret();
    let address = endpoint_url::parse(
        value,
        &facts,
        options.endpoint_is_own,
        signal.path(),
        options.insecure,
    );
    let address = address.map_err(|reason| BootstrapError::Endpoint {
        variable: options.endpoint_set_by.clone(),
        value: redact_endpoint(value),
        reason,
        example: facts.default_endpoint,
    })?;
    if address.url.scheme_str() == Some("https") && !transport::offers_tls() {
        return Err(BootstrapError::MissingFeature {
            variable: options.endpoint_set_by.clone(),
            value: redact_endpoint(value),
            feature: "tls",
            instead: "an http:// endpoint",
        });
    }
    Ok(Endpoint {
        protocol,
        url: address.url,
        socket: address.socket,
        origin: address.origin,
        headers: options.headers,
        timeout: options.timeout,
        compression: options.compression,
        tls: options.tls,
    })
}
