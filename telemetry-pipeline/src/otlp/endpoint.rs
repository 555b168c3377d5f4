//! Where a signal is exported to, by the OTLP exporter specification.

use std::{fmt, path::PathBuf, time::Duration};

use http::{HeaderMap, Uri};

use crate::{
    config::Env,
    error::BootstrapError,
    settings::{header, redact_endpoint},
};

/// An OTLP transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, by default on port 4317. It needs the feature `grpc`, a default one.
    Grpc,
    /// Protobuf over HTTP, by default on port 4318.
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
    pub(crate) fn exporter_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_TRACES_EXPORTER",
            Self::Metrics => "OTEL_METRICS_EXPORTER",
            Self::Logs => "OTEL_LOGS_EXPORTER",
        }
    }

    /// The name of its own setting of OTLP export.
    fn setting(self, setting: &str) -> String {
        format!("OTEL_EXPORTER_OTLP_{}_{setting}", self.variable())
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

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

pub(crate) fn resolve(signal: Signal, env: &mut Env) -> Result<Endpoint, BootstrapError> {
    let name = |setting: &str| signal.setting(setting);
    let protocol = match &*env.value(&name("PROTOCOL")) {
        "grpc" => Protocol::Grpc,
        "http/json" => Protocol::HttpJson,
        _ => Protocol::HttpProtobuf,
    };
    if protocol == Protocol::Grpc && cfg!(not(feature = "grpc")) {
        let (variable, value) = env.set(&name("PROTOCOL")).unwrap_or_default();
        return Err(BootstrapError::MissingFeature {
            variable,
            value,
            feature: "grpc",
            instead: "http/protobuf, for which collectors have another port, 4318",
        });
    }
    let (url, origin) = url(signal, protocol, env)?;
    let file = |setting: &str| {
        Some(env.value(&name(setting)))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    Ok(Endpoint {
        protocol,
        url,
        origin,
        headers: env
            .value(&name("HEADERS"))
            .split(',')
            .filter_map(header)
            .collect(),
        timeout: env.timeout(&name("TIMEOUT")),
        compression: match &*env.value(&name("COMPRESSION")) {
            "gzip" => Compression::Gzip,
            #[cfg(feature = "zstd")]
            "zstd" => Compression::Zstd,
            _ => Compression::None,
        },
        tls: Tls {
            ca: file("CERTIFICATE"),
            client_key: file("CLIENT_KEY"),
            client_certificate: file("CLIENT_CERTIFICATE"),
        },
    })
}

fn url(signal: Signal, protocol: Protocol, env: &mut Env) -> Result<(Uri, String), BootstrapError> {
    let example = match protocol {
        Protocol::Grpc => "http://localhost:4317",
        Protocol::HttpProtobuf | Protocol::HttpJson => "http://localhost:4318",
    };
    let own = signal.setting("ENDPOINT");
    let is_own = env.setter(&own).as_ref() == Some(&own);
    let (variable, value) = match env.set(&own) {
        Some(set) => set,
        None => {
            env.use_instead(&own, example);
            (own, example.to_owned())
        }
    };
    let fail = |reason: &str| BootstrapError::Endpoint {
        variable: variable.clone(),
        value: redact_endpoint(&value),
        reason: reason.to_owned(),
        example,
    };
    // The specification lets a gRPC endpoint omit its scheme, which then is https unless said to be insecure.
    let absolute = match protocol {
        Protocol::Grpc if !value.contains("://") => {
            let insecure = env.flag(&signal.setting("INSECURE"));
            format!("{}://{value}", if insecure { "http" } else { "https" })
        }
        _ => value.clone(),
    };
    // For HTTP the signal's own variable is used as it is, the general one is a base.
    let absolute = match protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson if !is_own => {
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
                variable,
                value: redact_endpoint(&value),
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
