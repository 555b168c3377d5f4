//! OTLP over gRPC.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::{
    Code, Status,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::Channel,
};
use tonic_types::StatusExt as _;

use super::{
    ANSWER_BYTES, Accepted, Answered, ExportError, USER_AGENT, cause, encode, one_line, tls,
};
use crate::{
    error::BootstrapError,
    otlp::endpoint::{Compression, Endpoint},
};
use telemetry_semconv::rpc;

/// How long a connection with a request on it may be silent, and how long it then has to answer a ping. Without, a
/// connection that a firewall forgot would be tried again with every export.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Client {
    channel: Channel,
    path: PathAndQuery,
    metadata: MetadataMap,
    compression: Option<CompressionEncoding>,
}

impl Client {
    pub(crate) fn new(
        endpoint: &Endpoint,
        files: Option<tls::Files>,
        path: &'static str,
    ) -> Result<Self, BootstrapError> {
        let failed = |error: tonic::transport::Error| endpoint.unusable(cause(&error));
        let mut channel = Channel::builder(endpoint.url.clone())
            .user_agent(USER_AGENT)
            .map_err(failed)?
            .connect_timeout(endpoint.timeout)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        if let Some(files) = files {
            channel = files.configure_grpc(channel).map_err(failed)?;
        }
        Ok(Self {
            channel: channel.connect_lazy(),
            path: PathAndQuery::from_static(path),
            metadata: MetadataMap::from_headers(endpoint.headers.clone()),
            compression: match endpoint.compression {
                Compression::None => None,
                Compression::Gzip => Some(CompressionEncoding::Gzip),
                #[cfg(feature = "zstd")]
                Compression::Zstd => Some(CompressionEncoding::Zstd),
            },
        })
    }

    /// One attempt.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let mut client = tonic::client::Grpc::new(self.channel.clone())
            .max_decoding_message_size(ANSWER_BYTES)
            .accept_compressed(CompressionEncoding::Gzip);
        if let Some(compression) = self.compression {
            client = client.send_compressed(compression);
        }
        let mut request = tonic::Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        client
            .ready()
            .await
            .map_err(|error| ExportError::unreachable(cause(&error)))?;
        let answer = client.unary(request, self.path.clone(), Encoded).await;
        match answer {
            Ok(answer) => Ok(Accepted {
                answered: Some(Answered::Grpc("OK")),
                ..encode::answer(answer.get_ref())
            }),
            Err(status) => Err(failure(&status)),
        }
    }
}

fn failure(status: &Status) -> ExportError {
    // A status with a source is no answer: the connection broke, whatever code tonic chose for that.
    if let Some(source) = std::error::Error::source(status) {
        return ExportError::unreachable(cause(source));
    }
    let (code, said) = (status.code(), one_line(status.message()));
    let mut error = ExportError::fatal(format!("the collector answered {code:?}: {said}"));
    error.answered = Some(Answered::Grpc(rpc::status_code(code as i32)));
    error.retry_after = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    error.retryable = match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        // Only a collector that says when is one that can recover.
        Code::ResourceExhausted => error.retry_after.is_some(),
        _ => false,
    };
    error
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
