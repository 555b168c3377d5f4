use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MAX_REQUEST_BYTES;
use super::grpc::{logs_response, metrics_response, trace_response};
use crate::store::Store;

const GRPC_INVALID_ARGUMENT: i32 = 3;

/// `POST /v1/traces`, `/v1/metrics` and `/v1/logs`.
pub(crate) fn router() -> Router<Store> {
    Router::new()
        .route(
            "/v1/traces",
            post(async |State(store): State<Store>, headers, body| {
                export(&headers, body, |it| trace_response(store.add_traces(it)))
            }),
        )
        .route(
            "/v1/metrics",
            post(async |State(store): State<Store>, headers, body| {
                export(&headers, body, |it| metrics_response(store.add_metrics(it)))
            }),
        )
        .route(
            "/v1/logs",
            post(async |State(store): State<Store>, headers, body| {
                export(&headers, body, |it| logs_response(store.add_logs(it)))
            }),
        )
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
}

/// The encoding of a request, in which it is answered too.
#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// Why a request was not taken.
struct Refusal(StatusCode, String);

/// `google.rpc.Status`, the body of every OTLP/HTTP error.
#[derive(Clone, PartialEq, Message, Serialize)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn export<Req, Res>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    add: impl FnOnce(Req) -> Res,
) -> Response
where
    Req: Message + Default + DeserializeOwned,
    Res: Message + Serialize,
{
    let Some(encoding) = Encoding::of(headers) else {
        let message = "content-type must be application/x-protobuf or application/json";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    };
    let request = body
        .map_err(|rejection| Refusal(rejection.status(), rejection.body_text()))
        .and_then(|body| decompress(headers, body))
        .and_then(|body| encoding.read(&body));
    match request {
        Ok(request) => encoding.answer(StatusCode::OK, &add(request)),
        Err(Refusal(status, message)) => {
            let code = GRPC_INVALID_ARGUMENT;
            encoding.answer(status, &RpcStatus { code, message })
        }
    }
}

fn decompress(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Refusal> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => {
            let mut plain = Vec::new();
            // One byte more than allowed tells a body that just fits from one that does not.
            MultiGzDecoder::new(body.as_ref())
                .take(MAX_REQUEST_BYTES as u64 + 1)
                .read_to_end(&mut plain)
                .map_err(|error| {
                    Refusal(
                        StatusCode::BAD_REQUEST,
                        format!("body is not gzip: {error}"),
                    )
                })?;
            if plain.len() > MAX_REQUEST_BYTES {
                let message = format!("body unpacks to more than {MAX_REQUEST_BYTES} bytes");
                return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            Ok(plain.into())
        }
        Some(_) => Err(Refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding must be gzip or absent".to_owned(),
        )),
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = content_type.split(';').next()?.trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    fn read<T: Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<T, Refusal> {
        let refusal = |kind: &str, error: &dyn std::fmt::Display| {
            let message = format!("body is not an OTLP {kind} request for this path: {error}");
            Refusal(StatusCode::BAD_REQUEST, message)
        };
        match self {
            Self::Protobuf => T::decode(body).map_err(|error| refusal("protobuf", &error)),
            Self::Json => serde_json::from_slice(body).map_err(|error| refusal("JSON", &error)),
        }
    }

    fn answer(self, status: StatusCode, message: &(impl Message + Serialize)) -> Response {
        let (content_type, body) = match self {
            Self::Protobuf => ("application/x-protobuf", message.encode_to_vec()),
            // An unset partial success is left out, as in proto3 JSON; `null` would be legal but odd.
            Self::Json if message.encoded_len() == 0 => ("application/json", b"{}".to_vec()),
            Self::Json => (
                "application/json",
                serde_json::to_vec(message).unwrap_or_default(),
            ),
        };
        (status, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}
