//! OTLP over gRPC.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes};
use http::{Uri, uri::PathAndQuery};
use opentelemetry::KeyValue;
use tonic::{
    Code, Status,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{self, Channel},
};
use tonic_types::StatusExt as _;

use super::{
    answer_protobuf,
    client::{self, ANSWER_BYTES, Encoding, Row, Sending, USER_AGENT},
    connect::Connector,
};
use crate::{
    error::BootstrapError,
    otlp::{
        answer::{Accepted, Answered, ExportError, cause, one_line},
        compression::Compression,
        endpoint::Endpoint,
        protocol::Protocol,
        signal::Signal,
    },
};
use telemetry_semconv::rpc::{self, attribute::RPC_RESPONSE_STATUS_CODE};

pub(crate) const ROW: Row = Row {
    protocol: Protocol::Grpc,
    encoding: Encoding::Protobuf,
    alpn: b"h2",
    client: Client::boxed,
};

/// tonic compresses by itself. A feature adds its row here and nowhere else.
const ENCODINGS: &[(Compression, CompressionEncoding)] = &[
    (Compression::Gzip, CompressionEncoding::Gzip),
    #[cfg(feature = "zstd")]
    (Compression::Zstd, CompressionEncoding::Zstd),
];

const PORT_OF_HTTP: &str = "; if this is a port of HTTP, set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, or \
                                       use that of gRPC, by default 4317";

/// The path of a signal's method.
const fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// How long a connection with a request on it may be silent, and how long it then has to answer a ping.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

struct Client {
    endpoint: transport::Endpoint,
    connector: Connector,
    channel: Mutex<Channel>,
    /// True if the channel has carried an answer.
    was_used: AtomicBool,
    path: PathAndQuery,
    metadata: MetadataMap,
    compression: Option<CompressionEncoding>,
}

impl Client {
    fn boxed(
        endpoint: &Endpoint,
        signal: Signal,
        connector: Connector,
    ) -> Result<Box<dyn client::Client>, BootstrapError> {
        let unusable = |error: &dyn std::error::Error| endpoint.unusable(error.to_string());
        // The connector speaks TLS, so tonic must not. Requests still name the scheme.
        let authority = endpoint.url.authority().map_or("", |one| one.as_str());
        let plain: Uri = format!("http://{authority}")
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable(&error))?;
        let channel = Channel::builder(plain)
            .origin(endpoint.url.clone())
            .user_agent(USER_AGENT)
            .map_err(|error| unusable(&error))?
            .connect_timeout(endpoint.timeout)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        let encoding = ENCODINGS
            .iter()
            .find(|(compression, _)| *compression == endpoint.compression);
        Ok(Box::new(Self {
            channel: Mutex::new(channel.connect_with_connector_lazy(connector.clone())),
            endpoint: channel,
            connector,
            was_used: AtomicBool::new(false),
            path: PathAndQuery::from_static(path(signal)),
            metadata: MetadataMap::from_headers(endpoint.headers.clone()),
            compression: encoding.map(|(_, encoding)| *encoding),
        }))
    }

    async fn attempt(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let channel = self
            .channel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut client = tonic::client::Grpc::new(channel)
            .max_decoding_message_size(ANSWER_BYTES)
            .accept_compressed(CompressionEncoding::Gzip);
        if let Some(compression) = self.compression {
            client = client.send_compressed(compression);
        }
        let mut request = tonic::Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        client.ready().await.map_err(|error| self.broken(&error))?;
        let answer = client.unary(request, self.path.clone(), Encoded).await;
        let status = match answer {
            Ok(answer) => {
                self.was_used.store(true, Ordering::Relaxed);
                return accepted(answer.get_ref());
            }
            Err(status) => status,
        };
        // A status with a source is no answer: the connection broke, whatever code tonic chose for that.
        if let Some(source) = std::error::Error::source(&status) {
            return Err(self.broken(source));
        }
        self.was_used.store(true, Ordering::Relaxed);
        Err(refused(&status))
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> ExportError {
        let mut reason = self.connector.explained(cause(error));
        // Text where a frame should be.
        if reason.contains("frame with invalid size") {
            reason += PORT_OF_HTTP;
        }
        ExportError::unreachable(reason)
    }
}

impl client::Client for Client {
    fn send(&self, body: Bytes) -> Sending<'_> {
        Box::pin(self.attempt(body))
    }

    fn is_connected(&self) -> bool {
        self.was_used.load(Ordering::Relaxed)
    }

    fn disconnect(&self) {
        let channel = (self.endpoint).connect_with_connector_lazy(self.connector.clone());
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = channel;
        self.was_used.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn answered(code: Code) -> Answered {
    let name = rpc::status_code(code as i32);
    Answered {
        attribute: Some(KeyValue::new(RPC_RESPONSE_STATUS_CODE, name)),
        error_type: name.into(),
    }
}

fn accepted(body: &[u8]) -> Result<Accepted, ExportError> {
    let answered = Some(answered(Code::Ok));
    match answer_protobuf::accepted(body) {
        Some(accepted) => Ok(Accepted {
            answered,
            ..accepted
        }),
        None => Err(ExportError {
            answered: answered.map(Box::new),
            ..ExportError::fatal("the answer OK is not one of OTLP")
        }),
    }
}

fn refused(status: &Status) -> ExportError {
    let (code, said) = (status.code(), one_line(status.message()));
    // tonic's own words, for an answer that is none of gRPC.
    let other = ["invalid compression flag", "mapped from HTTP status"];
    let hint = if other.iter().any(|text| said.contains(text)) {
        PORT_OF_HTTP
    } else {
        ""
    };
    let retry_after = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    ExportError {
        answered: Some(Box::new(answered(code))),
        retry_after,
        retryable: match code {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => true,
            // Only a collector that says when is one that can recover.
            Code::ResourceExhausted => retry_after.is_some(),
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Unimplemented
            | Code::Internal
            | Code::Unauthenticated => false,
        },
        ..ExportError::fatal(format!("the collector answered {code:?}: {said}{hint}"))
    }
}

/// Messages that are encoded already, once for all attempts.
#[derive(Clone, Copy, Debug)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
