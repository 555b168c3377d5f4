//! Both services of the retail example and the viewer in one process: each service on a thread and runtime of its
//! own, with telemetry of its own, exported over real OTLP.

pub mod process;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use axum::Router;
use telemetry_axum::{Operations, TelemetryLayer};
use telemetry_core::{Config, Service, Telemetry, pipeline::Protocol};
use telemetry_reqwest::{Hosts, TelemetryMiddleware};
use telemetry_viewer::{Viewer, ViewerOptions};
use tokio::{net::TcpListener, sync::oneshot};

/// Anything that goes wrong before a test has begun.
pub type SetUp<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A service on a thread of its own.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its telemetry, to flush before looking at what arrived.
    pub telemetry: Arc<Telemetry>,
    /// Its log lines.
    pub lines: Arc<Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

impl Running {
    /// Serves the router that `build` makes in the service's thread, where its telemetry is the current one.
    ///
    /// # Errors
    ///
    /// When the telemetry, the router or the listener cannot be made.
    pub fn start<F>(name: &str, protocol: Protocol, endpoint: &str, build: F) -> SetUp<Self>
    where
        F: AsyncFnOnce(&Telemetry) -> SetUp<Router> + Send + 'static,
    {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let telemetry = Config::new(Service::new(name).namespace("retail").version("1.0.0"))
            .with_environment([("RUST_LOG", "info")])
            .with_otlp_endpoint(protocol, endpoint)
            .with_log_format(telemetry_core::pipeline::LogFormat::Json)
            .with_log_sink(move |line| {
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line.to_owned());
            })
            .build()?;
        let telemetry = Arc::new(telemetry);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (started, starting) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn({
            let telemetry = telemetry.clone();
            move || {
                let _providers = telemetry.providers().set_default();
                let _subscriber = tracing::dispatcher::set_default(telemetry.dispatch());
                runtime.block_on(async {
                    let bound = async {
                        let router = build(&telemetry).await?;
                        let listener = TcpListener::bind("127.0.0.1:0").await?;
                        let address = listener.local_addr()?;
                        SetUp::Ok((router, listener, address))
                    };
                    match bound.await {
                        Ok((router, listener, address)) => {
                            let _ = started.send(Ok(address));
                            serve(listener, router, stopped).await;
                        }
                        Err(error) => {
                            let _ = started.send(Err(error));
                        }
                    }
                });
            }
        });
        let address = starting.recv()??;
        Ok(Self {
            address,
            telemetry,
            lines,
            _stop: stop,
        })
    }

    /// The log lines so far.
    pub fn logged(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let _: io::Result<()> = served.await;
}

/// The retail example: viewer, retail-api and retail-web.
#[derive(Debug)]
pub struct Shop {
    /// The receiver of both services' exports, one over gRPC and one over HTTP.
    pub viewer: Viewer,
    /// retail-api.
    pub api: Running,
    /// retail-web.
    pub web: Running,
    directory: tempfile::TempDir,
}

impl Shop {
    /// The example as it is.
    ///
    /// # Errors
    ///
    /// When something cannot be started.
    pub async fn open() -> SetUp<Self> {
        Self::open_with(|web, api| {
            let middleware = TelemetryMiddleware::new()
                .with_providers(web.providers().clone())
                .with_propagation_to(Hosts::new(["127.0.0.1"]))
                .with_user_agent();
            Ok(retail_web::RetailApi::with_middleware(api, middleware)?)
        })
        .await
    }

    /// The example with another client in retail-web.
    ///
    /// # Errors
    ///
    /// When something cannot be started.
    pub async fn open_with<C>(client: C) -> SetUp<Self>
    where
        C: FnOnce(&Telemetry, &str) -> SetUp<retail_web::RetailApi> + Send + 'static,
    {
        let viewer = Viewer::start(ViewerOptions::ephemeral()).await?;
        let directory = tempfile::tempdir()?;
        let database = directory.path().join("retail.db");
        let api = Running::start(
            "retail-api",
            Protocol::Grpc,
            &viewer.grpc_endpoint(),
            async move |telemetry| {
                let pool = retail_api::database::open(&database).await?;
                let pool = pool.with_providers(telemetry.providers().clone());
                Ok(retail_api::router_with(
                    pool,
                    layer(telemetry),
                    operations(telemetry),
                ))
            },
        )?;
        let url = format!("http://{}", api.address);
        let endpoint = viewer.http_endpoint();
        let web = Running::start(
            "retail-web",
            Protocol::HttpProtobuf,
            &endpoint,
            async move |telemetry| {
                let client = client(telemetry, &url)?;
                Ok(retail_web::router_with(
                    client,
                    layer(telemetry),
                    operations(telemetry),
                ))
            },
        )?;
        Ok(Self {
            viewer,
            api,
            web,
            directory,
        })
    }

    /// retail-api's database, to look at what really happened.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn database(&self) -> SetUp<sqlx::SqlitePool> {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.directory.path().join("retail.db"));
        Ok(sqlx::SqlitePool::connect_with(options).await?)
    }

    /// Makes everything recorded so far visible in the viewer.
    ///
    /// # Errors
    ///
    /// When something could not be delivered.
    pub fn flush(&self) -> SetUp<()> {
        self.web.telemetry.force_flush()?;
        self.api.telemetry.force_flush()?;
        Ok(())
    }
}

/// The layer with a service's own telemetry, and with the clients' ports, which the trace to match has.
pub fn layer(telemetry: &Telemetry) -> TelemetryLayer {
    let layer = TelemetryLayer::new().with_client_port();
    layer.with_providers(telemetry.providers().clone())
}

/// The operations of a service's own telemetry.
pub fn operations(telemetry: &Telemetry) -> Operations {
    Operations::new().with_providers(telemetry.providers().clone())
}

/// The README's code is compiled, so that what a newcomer copies works.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The guide's code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/test-your-telemetry.md")]
struct TestYourTelemetry;

/// The code of guides that need more than one crate.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/identity.md")]
struct IdentityGuide;
