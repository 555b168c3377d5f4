use std::io::Read;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use prost::Message;
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::body::{Received, Refusal, receive, reserve};
use super::signal::{self, Logs, Metrics, Signal, Traces};
use super::{MAX_REQUEST_BYTES, json};
use crate::hosts::is_loopback_origin;
use crate::store::Store;

const GRPC_INVALID_ARGUMENT: i32 = 3;
/// A body is unpacked in pieces of this size, each promised before it is unpacked.
const PIECE: usize = 64 * 1024;

/// `POST /v1/traces`, `/v1/metrics` and `/v1/logs`; a page served from this machine may send here, too.
pub(crate) fn router() -> Router<Store> {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin, _| {
            origin.to_str().is_ok_and(is_loopback_origin)
        }))
        .allow_methods([Method::POST])
        .allow_headers(tower_http::cors::AllowHeaders::mirror_request());
    Router::new()
        .route("/v1/traces", post(export::<Traces>))
        .route("/v1/metrics", post(export::<Metrics>))
        .route("/v1/logs", post(export::<Logs>))
        .layer(cors)
}

/// The encoding of a request, in which it is answered too.
#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, the body of every OTLP/HTTP error.
#[derive(Clone, PartialEq, Message, Serialize)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn export<S: Signal>(State(store): State<Store>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // A browser sends the origin with every request from a page: no page of another site may write here.
    let stranger = |origin: &HeaderValue| !origin.to_str().is_ok_and(is_loopback_origin);
    if head.headers.get(ORIGIN).is_some_and(stranger) {
        let message = "pages of other sites may not send telemetry here";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    let Some(encoding) = Encoding::of(&head.headers) else {
        let message = "content-type must be application/x-protobuf or application/json";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    };
    match take::<S>(&store, &head.headers, body, encoding).await {
        Ok(answer) => encoding.answer(StatusCode::OK, &answer),
        Err(Refusal { status, message }) => {
            let code = GRPC_INVALID_ARGUMENT;
            let mut response = encoding.answer(status, &RpcStatus { code, message });
            if status == StatusCode::SERVICE_UNAVAILABLE {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

async fn take<S: Signal>(
    store: &Store,
    headers: &HeaderMap,
    body: Body,
    encoding: Encoding,
) -> Result<S::Response, Refusal> {
    let mut received = receive(store, body).await?;
    decompress(store, headers, &mut received)?;
    let Received { body, reservation } = &mut received;
    match encoding {
        Encoding::Protobuf => signal::take::<S>(store, body, reservation),
        Encoding::Json => {
            // No message is longer in protobuf than in JSON, and each is built up once beside its parent.
            reserve(store, reservation, 2 * body.len())?;
            let protobuf = json::to_protobuf(S::schema(), body).map_err(|error| {
                let message = format!("body is not an OTLP JSON request for this path: {error}");
                Refusal::new(StatusCode::BAD_REQUEST, message)
            })?;
            signal::take::<S>(store, &protobuf, reservation)
        }
    }
}

fn decompress(store: &Store, headers: &HeaderMap, received: &mut Received) -> Result<(), Refusal> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => {
            let mut plain = Vec::new();
            let mut unpacked = MultiGzDecoder::new(received.body.as_ref());
            loop {
                reserve(store, &mut received.reservation, 2 * PIECE)?;
                let piece = unpacked.by_ref().take(PIECE as u64).read_to_end(&mut plain);
                let length = piece.map_err(|error| {
                    let message = format!("body is not gzip: {error}");
                    Refusal::new(StatusCode::BAD_REQUEST, message)
                })?;
                if plain.len() > MAX_REQUEST_BYTES {
                    return Err(Refusal::too_long());
                }
                if length < PIECE {
                    break;
                }
            }
            received.body = plain.into();
            Ok(())
        }
        Some(_) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding must be gzip or absent",
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
