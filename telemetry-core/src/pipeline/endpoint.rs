//! Where a signal is exported to, by the OTLP exporter specification.

use std::{path::PathBuf, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::{config::Env, error::BootstrapError};

/// An OTLP transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, by default on port 4317.
    Grpc,
    /// Protobuf over HTTP, by default on port 4318.
    HttpProtobuf,
    /// JSON over HTTP, by default on port 4318.
    HttpJson,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Compression {
    #[default]
    None,
    Gzip,
    Zstd,
}

/// Files for `https`, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {
    /// The certificates to trust instead of the machine's.
    pub(super) ca: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
    pub(super) client_certificate: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    pub(super) fn exporter_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_TRACES_EXPORTER",
            Self::Metrics => "OTEL_METRICS_EXPORTER",
            Self::Logs => "OTEL_LOGS_EXPORTER",
        }
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
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) protocol: Protocol,
    pub(super) url: Uri,
    /// Scheme, host and port, without credentials: what log lines may show.
    pub(super) origin: String,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
    pub(super) tls: Tls,
}

pub(super) fn resolve(
    signal: Signal,
    code: Option<&(Protocol, String)>,
    env: &mut Env,
) -> Result<Endpoint, BootstrapError> {
    let protocol = match code {
        Some((protocol, _)) => *protocol,
        None => protocol(signal, env),
    };
    let (url, origin) = url(signal, protocol, code, env)?;
    let timeout = setting(signal, "TIMEOUT", env).map_or(Duration::from_secs(10), |(name, _)| {
        env.millis(&name, Duration::from_secs(10))
    });
    let compression = setting(signal, "COMPRESSION", env).map_or(Compression::None, |(name, _)| {
        env.parse(&name, Compression::None, |text| match text {
            "gzip" => Some(Compression::Gzip),
            "zstd" => Some(Compression::Zstd),
            "none" => Some(Compression::None),
            _ => None,
        })
    });
    let file = |name: &str| setting(signal, name, env).map(|(_, path)| PathBuf::from(path));
    let tls = Tls {
        ca: file("CERTIFICATE"),
        client_key: file("CLIENT_KEY"),
        client_certificate: file("CLIENT_CERTIFICATE"),
    };
    let headers = setting(signal, "HEADERS", env)
        .map(|(name, list)| headers(&name, &list, env))
        .unwrap_or_default();
    Ok(Endpoint {
        protocol,
        url,
        origin,
        headers,
        timeout,
        compression,
        tls,
    })
}

/// The signal's own variable, else the general one.
fn setting(signal: Signal, setting: &str, env: &Env) -> Option<(String, String)> {
    let own = format!("OTEL_EXPORTER_OTLP_{}_{setting}", signal.variable());
    let general = format!("OTEL_EXPORTER_OTLP_{setting}");
    [own, general]
        .into_iter()
        .find_map(|name| env.get(&name).map(|value| (name, value)))
}

fn protocol(signal: Signal, env: &mut Env) -> Protocol {
    let Some((name, value)) = setting(signal, "PROTOCOL", env) else {
        return Protocol::HttpProtobuf;
    };
    match value.as_str() {
        "grpc" => Protocol::Grpc,
        "http/protobuf" => Protocol::HttpProtobuf,
        "http/json" => Protocol::HttpJson,
        _ => {
            env.warn(
                &name,
                &value,
                "http/protobuf; known are grpc, http/protobuf and http/json",
            );
            Protocol::HttpProtobuf
        }
    }
}

fn url(
    signal: Signal,
    protocol: Protocol,
    code: Option<&(Protocol, String)>,
    env: &Env,
) -> Result<(Uri, String), BootstrapError> {
    let example = match protocol {
        Protocol::Grpc => "http://localhost:4317",
        Protocol::HttpProtobuf | Protocol::HttpJson => "http://localhost:4318",
    };
    let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.variable());
    let (variable, value) = match code {
        Some((_, url)) => ("with_otlp_endpoint".to_owned(), url.clone()),
        None => setting(signal, "ENDPOINT", env)
            .unwrap_or_else(|| ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), example.to_owned())),
    };
    let fail = |reason: &str| BootstrapError::Endpoint {
        variable: variable.clone(),
        value: crate::semconv_http::redact_url(&value).into_owned(),
        reason: reason.to_owned(),
        example,
    };
    // The specification lets a gRPC endpoint omit its scheme, which then is https unless said to be insecure.
    let absolute = match protocol {
        Protocol::Grpc if !value.contains("://") => {
            let insecure = setting(signal, "INSECURE", env)
                .is_some_and(|(_, insecure)| insecure.eq_ignore_ascii_case("true"));
            format!("{}://{value}", if insecure { "http" } else { "https" })
        }
        _ => value.clone(),
    };
    // For HTTP the signal's own variable is used as it is, the general one is a base.
    let absolute = match protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson if variable != own => {
            format!("{}/{}", absolute.trim_end_matches('/'), signal.path())
        }
        _ => absolute,
    };
    let uri: Uri = absolute
        .parse()
        .map_err(|error: http::uri::InvalidUri| fail(&error.to_string()))?;
    match (uri.scheme_str(), uri.host()) {
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
    let origin = format!("{}://{bare}", uri.scheme_str().unwrap_or_default());
    Ok((uri, origin))
}

fn headers(name: &str, list: &str, env: &mut Env) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for member in list.split(',').filter(|member| !member.trim().is_empty()) {
        let parsed = member.split_once('=').and_then(|(key, value)| {
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(key.trim()).ok()?, value))
        });
        match parsed {
            Some((key, value)) => {
                headers.append(key, value);
            }
            // A header's value may be a credential: only its key is shown.
            None => env.warn(
                name,
                member.split('=').next().unwrap_or_default(),
                "the other headers of the list",
            ),
        }
    }
    headers
}
