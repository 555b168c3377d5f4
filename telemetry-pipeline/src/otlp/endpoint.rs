//! Where a signal is exported to, by the OTLP exporter specification.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderMap, Uri};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{error::BootstrapError, settings::redact_endpoint};

/// An OTLP transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, by default on port 4317. It needs the feature `grpc`, a default one.
    Grpc,
    /// Protobuf over HTTP, by default on port 4318.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP, by default on port 4318.
    HttpJson,
}

impl Protocol {
    /// As OTEL_EXPORTER_OTLP_PROTOCOL says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }

    /// The endpoint of a collector on this machine.
    pub(crate) fn default_endpoint(self) -> &'static str {
        match self {
            Self::Grpc => "http://localhost:4317",
            Self::HttpProtobuf | Self::HttpJson => "http://localhost:4318",
        }
    }
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

/// The PEM files of TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }
}

/// Where and how one signal is exported.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) protocol: Protocol,
    pub(crate) url: Uri,
    /// Scheme, host and port, without credentials: what log lines may show.
    pub(crate) origin: String,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: Tls,
}

// The URL may hold credentials.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("protocol", &self.protocol)
            .field("origin", &self.origin)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("ca", &self.tls.ca)
            .field("client_key", &self.tls.client_key)
            .field("client_certificate", &self.tls.client_certificate)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// No client could be built for it.
    pub(crate) fn unusable(&self, reason: String) -> BootstrapError {
        BootstrapError::Exporter {
            endpoint: self.origin.clone(),
            reason,
        }
    }
}

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

pub(crate) fn resolve(signal: Signal, options: Options) -> Result<Endpoint, BootstrapError> {
    if options.protocol == Protocol::Grpc && cfg!(not(feature = "grpc")) {
        return Err(BootstrapError::MissingFeature {
            variable: options.protocol_set_by,
            value: options.protocol.name().to_owned(),
            feature: "grpc",
            instead: "http/protobuf, for which collectors have another port, 4318",
        });
    }
    let (url, origin) = url(signal, &options)?;
    Ok(Endpoint {
        protocol: options.protocol,
        url,
        origin,
        headers: options.headers,
        timeout: options.timeout,
        compression: options.compression,
        tls: options.tls,
    })
}

fn url(signal: Signal, options: &Options) -> Result<(Uri, String), BootstrapError> {
    let (protocol, value) = (options.protocol, options.endpoint.expose_secret());
    let fail = |reason: &str| BootstrapError::Endpoint {
        variable: options.endpoint_set_by.clone(),
        value: redact_endpoint(value),
        reason: reason.to_owned(),
        example: protocol.default_endpoint(),
    };
    // The specification lets a gRPC endpoint omit its scheme, which then is https unless said to be insecure.
    let absolute = match protocol {
        Protocol::Grpc if !value.contains("://") => {
            let scheme = if options.insecure { "http" } else { "https" };
            format!("{scheme}://{value}")
        }
        _ => value.to_owned(),
    };
    // For HTTP the signal's own variable is used as it is, the general one is a base.
    let absolute = match protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson if !options.endpoint_is_own => {
            format!("{}/{}", absolute.trim_end_matches('/'), signal.path())
        }
        _ => absolute,
    };
    let uri: Uri = absolute
        .parse()
        .map_err(|error: http::uri::InvalidUri| fail(&error.to_string()))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), _) if cfg!(not(feature = "tls")) => {
            return Err(BootstrapError::MissingFeature {
                variable: options.endpoint_set_by.clone(),
                value: redact_endpoint(value),
                feature: "tls",
                instead: "an http:// endpoint",
            });
        }
        (Some("http" | "https"), Some(host)) if !host.is_empty() => {}
        (Some("http" | "https"), _) => return Err(fail("it has no host")),
        _ => return Err(fail("it does not start with http:// or https://")),
    }
    let authority = uri
        .authority()
        .map(|authority| authority.as_str())
        .unwrap_or_default();
    let bare = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // Parsing lets any text pass as a port, and part of a password with a slash in it can end up there.
    if telemetry_semconv::http::Authority::parse(bare).is_none() {
        return Err(fail("its host or port is not one"));
    }
    let origin = format!("{}://{bare}", uri.scheme_str().unwrap_or_default());
    Ok((uri, origin))
}
