//! OTLP over gRPC and over HTTP: one request, with retries within the export's timeout.

use std::{fmt, io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse, logs_service_client::LogsServiceClient,
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_client::MetricsServiceClient,
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_client::TraceServiceClient,
    },
};
use prost::Message;
use tonic::{
    Code, Status,
    codec::CompressionEncoding,
    transport::{Channel, ClientTlsConfig},
};

use super::worker::Worker;
use crate::pipeline::{
    endpoint::{Compression as Compressed, Endpoint, Protocol},
    error::BootstrapError,
};

/// The pause before the second attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// No further attempt follows this pause.
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// Sends the requests of one signal.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Client,
    endpoint: Endpoint,
}

#[derive(Clone, Debug)]
enum Client {
    Http(reqwest::Client),
    Grpc(Channel),
}

impl Transport {
    pub(crate) fn new(endpoint: Endpoint, worker: &Worker) -> Result<Self, BootstrapError> {
        // Both kinds of client register with the runtime they are built in.
        let _runtime = worker.enter();
        let fail = |reason: String| BootstrapError::Exporter {
            endpoint: endpoint.origin.clone(),
            reason,
        };
        let client = match endpoint.protocol {
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                let client = reqwest::Client::builder().timeout(endpoint.timeout).build();
                Client::Http(client.map_err(|error| fail(chain(&error)))?)
            }
            Protocol::Grpc => {
                let mut channel = Channel::builder(endpoint.url.clone());
                if endpoint.url.scheme_str() == Some("https") {
                    let tls = ClientTlsConfig::new().with_native_roots();
                    channel = channel
                        .tls_config(tls)
                        .map_err(|error| fail(chain(&error)))?;
                }
                Client::Grpc(channel.connect_timeout(endpoint.timeout).connect_lazy())
            }
        };
        Ok(Self { client, endpoint })
    }

    /// Scheme, host and port, fit for a log line.
    pub(super) fn origin(&self) -> &str {
        &self.endpoint.origin
    }

    /// Sends a request and returns how many of its items the collector rejected.
    ///
    /// Retries what the specification calls retryable, all within the export's timeout.
    pub(super) async fn send<R: Request>(&self, request: R) -> Result<u64, ExportError> {
        let attempts = async {
            let mut pause = FIRST_PAUSE;
            loop {
                let result = match &self.client {
                    Client::Http(client) => self.send_http(client, &request).await,
                    Client::Grpc(channel) => self.send_grpc(channel.clone(), request.clone()).await,
                };
                match result {
                    Err(error) if error.retryable && pause <= LAST_PAUSE => {
                        tokio::time::sleep(error.retry_after.unwrap_or(pause)).await;
                        pause *= 2;
                    }
                    result => return result,
                }
            }
        };
        match tokio::time::timeout(self.endpoint.timeout, attempts).await {
            Ok(result) => result,
            Err(_) => Err(ExportError::fatal(format!(
                "no answer within {:?}",
                self.endpoint.timeout
            ))),
        }
    }

    async fn send_http<R: Request>(
        &self,
        client: &reqwest::Client,
        request: &R,
    ) -> Result<u64, ExportError> {
        let mut headers = self.endpoint.headers.clone();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        let mut body = request.encode_to_vec();
        if self.endpoint.compression == Compressed::Gzip {
            body = gzip(&body).map_err(|error| ExportError::fatal(error.to_string()))?;
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let sent = client
            .post(self.endpoint.url.to_string())
            .headers(headers)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| ExportError::retryable(chain(&error)))?;
        let status = response.status();
        if status.is_success() {
            let body = response
                .bytes()
                .await
                .map_err(|error| ExportError::fatal(chain(&error)))?;
            // A proxy may answer with a body of its own: the request was accepted all the same.
            return Ok(R::Response::decode(body)
                .map(|response| R::rejected(&response))
                .unwrap_or(0));
        }
        let mut error = ExportError::fatal(format!("the collector answered {status}"));
        error.retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        error.retry_after = retry_after(response.headers());
        Err(error)
    }

    async fn send_grpc<R: Request>(
        &self,
        channel: Channel,
        request: R,
    ) -> Result<u64, ExportError> {
        let mut request = tonic::Request::new(request);
        *request.metadata_mut() =
            tonic::metadata::MetadataMap::from_headers(self.endpoint.headers.clone());
        let response = R::call(
            channel,
            request,
            self.endpoint.compression == Compressed::Gzip,
        )
        .await
        .map_err(|status| {
            let retryable = matches!(
                status.code(),
                Code::Cancelled
                    | Code::DeadlineExceeded
                    | Code::Aborted
                    | Code::OutOfRange
                    | Code::Unavailable
                    | Code::DataLoss
            );
            let reason = match std::error::Error::source(&status) {
                Some(source) => chain(source),
                None => format!(
                    "the collector answered {:?}: {}",
                    status.code(),
                    status.message()
                ),
            };
            ExportError {
                reason,
                retryable,
                retry_after: None,
            }
        })?;
        Ok(R::rejected(&response))
    }
}

/// Why an export failed.
#[derive(Debug)]
pub(crate) struct ExportError {
    reason: String,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl ExportError {
    fn fatal(reason: String) -> Self {
        Self {
            reason,
            retryable: false,
            retry_after: None,
        }
    }

    fn retryable(reason: String) -> Self {
        Self {
            reason,
            retryable: true,
            retry_after: None,
        }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// The innermost cause: `connection refused` says more than `error sending request`.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// The request of one signal.
pub(crate) trait Request: Message + Clone + 'static {
    type Response: Message + Default;

    /// How many items the collector accepted the request without.
    fn rejected(response: &Self::Response) -> u64;

    fn call(
        channel: Channel,
        request: tonic::Request<Self>,
        gzip: bool,
    ) -> impl Future<Output = Result<Self::Response, Status>> + Send;
}

macro_rules! request {
    ($request:ty, $response:ty, $client:ident, $rejected:ident) => {
        impl Request for $request {
            type Response = $response;

            fn rejected(response: &Self::Response) -> u64 {
                let partial = response.partial_success.as_ref();
                partial
                    .and_then(|partial| u64::try_from(partial.$rejected).ok())
                    .unwrap_or(0)
            }

            async fn call(
                channel: Channel,
                request: tonic::Request<Self>,
                gzip: bool,
            ) -> Result<Self::Response, Status> {
                let mut client = $client::new(channel);
                if gzip {
                    client = client.send_compressed(CompressionEncoding::Gzip);
                }
                client
                    .export(request)
                    .await
                    .map(tonic::Response::into_inner)
            }
        }
    };
}

request!(
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
    TraceServiceClient,
    rejected_spans
);
request!(
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    MetricsServiceClient,
    rejected_data_points
);
request!(
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
    LogsServiceClient,
    rejected_log_records
);
