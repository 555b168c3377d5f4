//! The requests of the customers, and all that the services put out meanwhile.

use std::{
    collections::BTreeSet,
    env,
    net::SocketAddr,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use telemetry_tests::process::{Ended, Process};

use crate::{
    ROLE,
    collector::{Collector, Received},
    exposition,
    options::Options,
    service::{API, BUSY, DATABASE, REQUESTS},
};

/// How long the services have to export what the requests left behind.
const PATIENCE: Duration = Duration::from_secs(30);

/// The settings of both services. Nothing else is in their environment but the path.
const ENVIRONMENT: [(&str, &str); 38] = [
    ("OTEL_SDK_DISABLED", "false"),
    ("OTEL_LOG_LEVEL", "info"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "otlp"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=retail"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "cumulative",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "explicit_bucket_histogram",
    ),
    ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ("OTEL_BSP_EXPORT_TIMEOUT", "60000"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "2048"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
    ("OTEL_BLRP_EXPORT_TIMEOUT", "60000"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "2048"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "512"),
    // Metrics are exported once, at the end: a measurement made while they are read becomes no exemplar.
    ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "60000"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based"),
    ("OTEL_INSTRUMENTATION_PROCESS_ENABLED", "true"),
    ("OTEL_INSTRUMENTATION_TOKIO_ENABLED", "true"),
    ("OTEL_INSTRUMENTATION_SDK_ENABLED", "true"),
    ("OTEL_PROPAGATORS", "tracecontext,baggage"),
    ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
    (
        "OTEL_RESOURCE_ATTRIBUTES",
        "deployment.environment.name=recording",
    ),
    ("RUST_LOG", "info"),
    ("RUST_BACKTRACE", "0"),
    ("TELEMETRY_SPAN_FILTER", "info"),
    ("TELEMETRY_LOG_FORMAT", "json"),
    ("TELEMETRY_LOG_SPAN_FIELDS", "false"),
    ("TELEMETRY_LOG_PANICS", "true"),
    ("TELEMETRY_PRINCIPAL_ATTRIBUTES", "user.hash,user.roles"),
    ("TELEMETRY_HASH_KEY", "a key for the recording"),
    ("TELEMETRY_SENSITIVE_VALUES", "hash"),
    ("TOKIO_WORKER_THREADS", "2"),
];

/// All that the services put out.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) received: Received,
    pub(crate) collector: SocketAddr,
    pub(crate) directory: String,
    pub(crate) services: [Service; 2],
    answers: String,
    upstream: String,
}

/// One service that has ended.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    prometheus: String,
    openmetrics: String,
    ended: Ended,
}

/// Starts both services, sends the requests, and ends the services.
pub(crate) async fn run(options: Options) -> Output {
    let collector = Collector::start().await;
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("retail.db");
    let database = database.to_str().unwrap();
    let (api, api_address) = start("retail-api", options, &collector, (DATABASE, database));
    let url = format!("http://{api_address}");
    let (web, web_address) = start("retail-web", options, &collector, (API, &url));

    let client = Client::builder().user_agent("test/1").build().unwrap();
    let answers = requests(&client, web_address, api_address).await;
    settle(&client, web_address).await;
    settle(&client, api_address).await;
    let get = client.get(format!("http://{api_address}{REQUESTS}"));
    let upstream = get.send().await.unwrap().text().await.unwrap();
    let web = end("retail-web", &client, web, web_address).await;
    let api = end("retail-api", &client, api, api_address).await;
    Output {
        received: collector.received(),
        collector: collector.address,
        directory: directory.path().to_str().unwrap().to_owned(),
        services: [web, api],
        answers,
        upstream,
    }
}

fn start(
    role: &str,
    options: Options,
    collector: &Collector,
    peer: (&str, &str),
) -> (Process, SocketAddr) {
    let program = env::current_exe().unwrap();
    let arguments = [
        "--exact",
        "serves_if_it_is_told_to",
        "--nocapture",
        "--quiet",
    ];
    let endpoint = format!("http://{}", collector.address);
    let mut environment = ENVIRONMENT.to_vec();
    environment.extend([
        (ROLE, role),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
    ]);
    // Of two values of a variable the last counts.
    environment.extend(options.environment());
    environment.push(peer);
    let mut process = Process::start(program.to_str().unwrap(), arguments, &environment).unwrap();
    let address = process.address().unwrap();
    (process, address)
}

/// The requests one after the other. The text has the answers.
async fn requests(client: &Client, web: SocketAddr, api: SocketAddr) -> String {
    let checkout = |sku: &str, card: &str| {
        let body = json!({ "sku": sku, "quantity": 2, "card": card });
        let url = format!("http://{web}/checkout/execute");
        client.post(url).json(&body)
    };
    let id = "x-correlation-id";
    let mut answers = Answers(String::new());
    let request = checkout("SKU-1", "tok_visa").bearer_auth("tok_ada");
    answers.add("a checkout", request.header(id, "paid")).await;
    // A caller that has a trace and names a user, which a public service does not believe.
    let request = checkout("SKU-1", "tok_declined")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("tracestate", "vendor=1")
        .header("baggage", "shop.campaign=winter,user.roles=admin");
    answers
        .add("a declined card", request.header(id, "declined"))
        .await;
    // No correlation id: the trace id stands for it.
    let request = checkout("SKU-1", "tok_gateway_down").bearer_auth("tok_bob");
    answers.add("a gateway that is down", request).await;
    let request = checkout("SKU-SOLD-OUT", "tok_visa").header(id, "sold-out");
    answers.add("a sold-out article", request).await;
    let request = checkout("SKU-NONE", "tok_visa").header(id, "unknown");
    answers.add("an unknown article", request).await;
    let request = client.get(format!("http://{web}/no/such/page?sig=secret&page=2"));
    answers
        .add("an unknown page", request.header(id, "lost"))
        .await;
    let request = client.get(format!("http://{api}/inventory/check?sku=SKU-2&qty=1"));
    let request = request.header(BUSY, "1").header(id, "busy");
    answers.add("no idle connection", request).await;
    answers.0
}

struct Answers(String);

impl Answers {
    async fn add(&mut self, name: &str, request: RequestBuilder) {
        let response = request.send().await.unwrap();
        let status = response.status();
        let headers = crate::render::headers(response.headers());
        let body = response.text().await.unwrap();
        self.0
            .push_str(&format!("{name}: {status}\n{headers}  {body}\n"));
    }
}

/// Waits until the service has exported all spans and log records, and knows its share of the processors.
///
/// If it never does, the comparison shows more than a failure here.
async fn settle(client: &Client, address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if exposition::is_settled(&scrape(client, address, "text/plain").await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn scrape(client: &Client, address: SocketAddr, accept: &str) -> String {
    let request = client.get(format!("http://{address}/metrics"));
    let response = request.header("accept", accept).send().await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap();
    let content_type = format!("content-type: {content_type}\n");
    content_type + &response.text().await.unwrap()
}

async fn end(
    name: &'static str,
    client: &Client,
    process: Process,
    address: SocketAddr,
) -> Service {
    let prometheus = scrape(client, address, "text/plain").await;
    let openmetrics = scrape(client, address, "application/openmetrics-text").await;
    process.terminate().unwrap();
    let ended = tokio::task::spawn_blocking(|| process.end()).await;
    Service {
        name,
        address,
        prometheus,
        openmetrics,
        ended: ended.unwrap().unwrap(),
    }
}

impl Output {
    /// The answers to the customers, the requests to retail-api, and those to the collector.
    pub(crate) fn requests(&self) -> String {
        let exports: BTreeSet<_> = self.received.requests.iter().cloned().collect();
        let exports: String = exports.into_iter().collect();
        format!(
            "# Answers\n\n{}\n# Requests to retail-api\n\n{}\n# Kinds of requests to the collector\n\n{exports}",
            self.answers, self.upstream
        )
    }

    /// All that the services wrote to standard output and standard error, and how they ended.
    pub(crate) fn lines(&self) -> String {
        let service = |service: &Service| {
            let Ended {
                code,
                stdout,
                stderr,
            } = &service.ended;
            // The first lines are the test harness's.
            let lines = stdout
                .iter()
                .filter(|line| !line.is_empty() && line.as_str() != "running 1 test");
            let lines: String = lines.map(|line| crate::logs::line(line) + "\n").collect();
            format!(
                "# {}\n\n{lines}\nexit code {code:?}\nstandard error {stderr:?}\n\n",
                service.name
            )
        };
        self.services.iter().map(service).collect()
    }

    pub(crate) fn prometheus(&self) -> String {
        self.exposition(|service| &service.prometheus)
    }

    pub(crate) fn openmetrics(&self) -> String {
        self.exposition(|service| &service.openmetrics)
    }

    fn exposition(&self, text: impl Fn(&Service) -> &str) -> String {
        let service = |it: &Service| exposition::render(it.name, text(it));
        self.services.iter().map(service).collect()
    }
}
