//! OTLP over HTTP/1.1.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{ANSWER_BYTES, Accepted, Answered, ExportError, USER_AGENT, cause, encode, retry, tls};
use crate::{
    error::BootstrapError,
    otlp::endpoint::{Compression, Endpoint, Protocol},
};

#[derive(Debug)]
pub(crate) struct Client {
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    protocol: Protocol,
    compression: Compression,
}

impl Client {
    pub(crate) fn new(
        endpoint: &Endpoint,
        files: Option<tls::Files>,
    ) -> Result<Self, BootstrapError> {
        let failed = |error: reqwest::Error| endpoint.unusable(cause(&error));
        // Each choice that a feature of reqwest, enabled anywhere in the application, would change is made here, and that
        // of TLS with our own.
        let builder = reqwest::Client::builder()
            .http1_only()
            .no_hickory_dns()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .referer(false)
            // A redirected export would carry its headers, which hold credentials, to somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(USER_AGENT);
        let builder = match files {
            Some(files) => files.configure_http(builder).map_err(failed)?,
            None => tls::none(builder),
        };
        let mut headers = endpoint.headers.clone();
        let content_type = match endpoint.protocol {
            Protocol::HttpJson => "application/json",
            _ => "application/x-protobuf",
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let encoding = match endpoint.compression {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            #[cfg(feature = "zstd")]
            Compression::Zstd => Some("zstd"),
        };
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        let url = endpoint.url.to_string();
        Ok(Self {
            client: builder.build().map_err(failed)?,
            url: reqwest::Url::parse(&url).map_err(|error| endpoint.unusable(cause(&error)))?,
            headers,
            protocol: endpoint.protocol,
            compression: endpoint.compression,
        })
    }

    pub(crate) fn compress(&self, body: Bytes) -> Result<Bytes, ExportError> {
        let compressed = match self.compression {
            Compression::None => return Ok(body),
            Compression::Gzip => gzip(&body),
            #[cfg(feature = "zstd")]
            Compression::Zstd => zstd::bulk::compress(&body, zstd::DEFAULT_COMPRESSION_LEVEL),
        };
        compressed
            .map(Bytes::from)
            .map_err(|error| ExportError::fatal(error.to_string()))
    }

    /// One attempt.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let request = self.client.post(self.url.clone());
        let sent = request
            .headers(self.headers.clone())
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| ExportError::unreachable(cause(&error)))?;
        let status = response.status();
        let answered = Some(Answered::Http(status.as_u16()));
        let headers = response.headers().clone();
        let body = read(response).await;
        if status.is_success() {
            // That much was accepted, whatever happens to the rest of the answer.
            let accepted = match self.protocol {
                Protocol::HttpJson => encode::json_answer(&body),
                _ => encode::answer(&body),
            };
            return Ok(Accepted {
                answered,
                ..accepted
            });
        }
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let said = encode::failure(&body, content_type);
        let colon = if said.is_empty() { "" } else { ": " };
        let mut error = ExportError::fatal(format!("the collector answered {status}{colon}{said}"));
        error.answered = answered;
        error.retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        error.retry_after = retry::after(&headers);
        Err(error)
    }
}

/// The body as far as it is of interest and as far as it comes.
async fn read(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    body
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let buffer = Vec::with_capacity(body.len() / 4);
    let mut encoder = GzEncoder::new(buffer, flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
