//! The client of both protocols over HTTP/1.1: one connection, kept between requests.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header, uri::Authority};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;

use super::{
    client::{self, ANSWER_BYTES, Sending, USER_AGENT},
    connect::Connector,
    hints, reason, retry,
};
use crate::{
    error::BootstrapError,
    otlp::{
        answer::{Accepted, Answered, ExportError, cause},
        compression::Compression,
        endpoint::Endpoint,
    },
};
use telemetry_semconv::http::attribute::HTTP_RESPONSE_STATUS_CODE;

/// More headers than any server sends; their size is bounded by hyper.
const MAX_HEADERS: usize = 8192;

/// How one of the protocols reads answers.
#[derive(Clone, Copy)]
pub(crate) struct Answers {
    /// Of requests, and of answers.
    pub(crate) content_type: &'static str,
    /// Reads the body of a successful answer, of this content type; `None` if it is not an answer of OTLP.
    pub(crate) accepted: fn(&[u8], &str) -> Option<Accepted>,
}

pub(crate) struct Client {
    connector: Connector,
    target: Uri,
    headers: HeaderMap,
    answers: Answers,
    idle: Mutex<Option<Connection>>,
}

type Connection = SendRequest<Full<Bytes>>;

impl Client {
    pub(crate) fn boxed(
        endpoint: &Endpoint,
        connector: Connector,
        answers: Answers,
    ) -> Result<Box<dyn client::Client>, BootstrapError> {
        let unusable = |error: &dyn std::error::Error| endpoint.unusable(error.to_string());
        let path = endpoint
            .url
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let authority = endpoint.url.authority();
        let host = authority.map_or("", |one| without_credentials(one));
        let mut headers = endpoint.headers.clone();
        let insert = |headers: &mut HeaderMap, name, value: &str| {
            let value = HeaderValue::from_str(value).map_err(|error| unusable(&error))?;
            headers.insert(name, value);
            Ok::<_, BootstrapError>(())
        };
        insert(&mut headers, header::HOST, host)?;
        insert(&mut headers, header::CONTENT_TYPE, answers.content_type)?;
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(USER_AGENT));
        if endpoint.compression != Compression::None {
            insert(
                &mut headers,
                header::CONTENT_ENCODING,
                endpoint.compression.name(),
            )?;
        }
        if let Some(credentials) = authority.and_then(credentials) {
            headers.entry(header::AUTHORIZATION).or_insert(credentials);
        }
        let mut target = path.to_owned();
        if let Some(proxy) = connector.forwarder() {
            target = format!("http://{host}{path}");
            if let Some(authorization) = &proxy.authorization {
                headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
            }
        }
        Ok(Box::new(Self {
            connector,
            target: target
                .parse()
                .map_err(|error| unusable(&error as &http::uri::InvalidUri))?,
            headers,
            answers,
            idle: Mutex::default(),
        }))
    }

    async fn attempt(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let kept = self
            .idle()
            .take()
            .filter(|connection| !connection.is_closed());
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.open().await?,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        let response = connection.send_request(request).await;
        let (head, incoming) = response.map_err(|error| self.broken(&error))?.into_parts();
        let (body, whole) = read(incoming).await;
        if whole {
            *self.idle() = Some(connection);
        }
        self.judge(&Response::from_parts(head, body), whole)
    }

    async fn open(&self) -> Result<Connection, ExportError> {
        let stream = self.connector.connect().await;
        let stream =
            stream.map_err(|reason| ExportError::unreachable(self.connector.explained(reason)))?;
        let (sender, connection) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(&error))?;
        // The task ends when the sender is dropped. Its errors are those of the request on the connection.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }

    /// The outcome of an answer, of which the body is there as far as it came and as far as it is read.
    fn judge(&self, answer: &Response<Vec<u8>>, whole: bool) -> Result<Accepted, ExportError> {
        let status = answer.status();
        let answered = Some(answered(status));
        let content_type = content_type(answer.headers());
        if status.is_success() {
            let body = answer.body();
            let accepted = if body.trim_ascii().is_empty() {
                Some(Accepted::default())
            } else if content_type.starts_with("text/") {
                None
            } else {
                (self.answers.accepted)(body, content_type)
            };
            return match accepted {
                Some(accepted) => Ok(Accepted {
                    answered,
                    ..accepted
                }),
                // The status was received, and of the rest nothing is known.
                None if !whole && content_type == self.answers.content_type => Ok(Accepted {
                    answered,
                    ..Accepted::default()
                }),
                None => Err(ExportError {
                    answered: answered.map(Box::new),
                    ..not_otlp(status, body, content_type)
                }),
            };
        }
        Err(refused(answer, content_type, answered))
    }

    fn broken(&self, error: &hyper::Error) -> ExportError {
        let reason = hints::http(cause(error));
        if error.is_parse() && reason.contains("too large") {
            // The collector has the request. To send it again could only double it.
            return ExportError::fatal(format!("the collector's answer cannot be read: {reason}"));
        }
        ExportError::unreachable(self.connector.explained(reason))
    }

    fn idle(&self) -> MutexGuard<'_, Option<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl client::Client for Client {
    fn send(&self, body: Bytes) -> Sending<'_> {
        Box::pin(self.attempt(body))
    }

    fn is_connected(&self) -> bool {
        self.idle().as_ref().is_some_and(|one| !one.is_closed())
    }

    // An attempt that is given up drops its connection.
    fn disconnect(&self) {
        self.idle().take();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn refused(
    answer: &Response<Vec<u8>>,
    content_type: &str,
    answered: Option<Answered>,
) -> ExportError {
    let status = answer.status();
    let said = reason::of(answer.body(), content_type);
    let colon = if said.is_empty() { "" } else { ": " };
    let hint = hints::status(status);
    ExportError {
        answered: answered.map(Box::new),
        retryable: matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        retry_after: retry::after(answer.headers()),
        ..ExportError::fatal(format!(
            "the collector answered {status}{colon}{said}{hint}"
        ))
    }
}

/// Success without an answer of OTLP: most likely another server answered.
fn not_otlp(status: StatusCode, body: &[u8], content_type: &str) -> ExportError {
    let kind = match content_type {
        "" => "without a content type",
        kind => kind,
    };
    let said = reason::of(body, content_type);
    ExportError::fatal(format!(
        "the answer {status} is not one of OTLP ({kind}: {said}){}",
        hints::NOT_A_COLLECTOR
    ))
}

fn answered(status: StatusCode) -> Answered {
    let code = status.as_u16();
    Answered {
        // Numbers beyond the statuses of HTTP could make any number of series.
        attribute: (100..600)
            .contains(&code)
            .then(|| KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(code))),
        error_type: code.to_string().into(),
    }
}

/// The body as far as it comes and at most so far as it is read, and whether that is all of it.
async fn read(mut incoming: Incoming) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            return (body, false);
        };
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        let room = ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return (body, false);
        }
    }
    (body, true)
}

/// The media type without its parameters.
fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

fn without_credentials(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

/// The user and password of a URL, as a header.
fn credentials(authority: &Authority) -> Option<HeaderValue> {
    let (credentials, _) = authority.as_str().rsplit_once('@')?;
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let mut plain: Vec<u8> = percent_decode_str(user).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let header = format!("Basic {}", BASE64_STANDARD.encode(plain));
    let mut header = HeaderValue::from_str(&header).ok()?;
    header.set_sensitive(true);
    Some(header)
}
