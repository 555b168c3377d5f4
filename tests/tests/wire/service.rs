//! A service of the example as a process: the lines of its `main`, with a gate before the router of retail-api.

use std::{
    env,
    error::Error,
    io::Write as _,
    path::Path,
    process,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use retail_api::database;
use retail_web::listen;
use telemetry_axum::{Operations, TelemetryLayer, serve};
use telemetry_core::{Service, bootstrap};
use telemetry_sqlx::SqlitePool;
use tokio::runtime;

use crate::{options::Options, render};

/// The variable with the base URL of retail-api.
pub(crate) const API: &str = "TELEMETRY_TEST_API";

/// The variable with the path of the database.
pub(crate) const DATABASE: &str = "TELEMETRY_TEST_DATABASE";

/// A request with this header finds no idle connection in the pool.
pub(crate) const BUSY: &str = "x-test-busy";

/// The path at which retail-api lists the requests that it has received.
pub(crate) const REQUESTS: &str = "/test/requests";

/// Runs the service until SIGTERM and ends the process.
pub(crate) fn run(role: &str) -> ! {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime.block_on(async {
        match role {
            "retail-web" => web().await,
            "retail-api" => api().await,
            other => panic!("{other} is no service"),
        }
    });
    if let Err(error) = result {
        let _ = writeln!(std::io::stderr(), "{role}: {error}");
        process::exit(1);
    }
    // The test harness writes no result to standard output, which is compared.
    process::exit(0);
}

async fn web() -> Result<(), Box<dyn Error>> {
    let _telemetry = bootstrap(
        Service::new("retail-web")
            .namespace("retail")
            .version("1.0.0"),
    )?;
    let options = Options::of_environment();
    let api = options.client(&env::var(API)?)?;
    let listener = listen("127.0.0.1:0".parse()?).await?;
    tracing::info!(target: "retail_web", address = %listener.local_addr()?, "retail-web is listening");
    let router = retail_web::router_with(api, options.layer(), Operations::new());
    serve(listener, router).await?;
    Ok(())
}

async fn api() -> Result<(), Box<dyn Error>> {
    let telemetry = bootstrap(
        Service::new("retail-api")
            .namespace("retail")
            .version("1.0.0"),
    )?;
    let path = env::var(DATABASE)?;
    let options = Options::of_environment();
    let pool = options.pool(database::open(Path::new(&path)).await?);
    let listener = listen("127.0.0.1:0".parse()?).await?;
    tracing::info!(target: "retail_api", address = %listener.local_addr()?, database = path, "retail-api is listening");
    let gate = Gate {
        pool: pool.clone(),
        requests: Arc::default(),
    };
    let router = retail_api::router_with(pool.clone(), options.layer(), Operations::new())
        .layer(from_fn_with_state(gate.clone(), pass))
        // Added after the layers, so that it is not observed. Its own layer leaves it alone, as the server warns of a
        // response that no layer has seen.
        .route(
            REQUESTS,
            get(async move || gate.requests.lock().unwrap().concat())
                .layer(TelemetryLayer::new().with_excluded_routes([REQUESTS])),
        );
    serve(listener, router).await?;
    // In this order, so that the pool is there when metrics are read for the last time.
    drop(telemetry);
    drop(pool);
    Ok(())
}

/// Lets a request pass when all connections are back in the pool.
///
/// sqlx takes a connection back in a task of its own. Without the gate the next request finds no idle connection now and
/// then, and has a span for opening another one.
#[derive(Clone)]
struct Gate {
    pool: SqlitePool,
    requests: Arc<Mutex<Vec<String>>>,
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/metrics" {
        return next.run(request).await;
    }
    let pool = gate.pool.inner();
    while usize::try_from(pool.size()).unwrap() > pool.num_idle() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let text = render::request(request.method().as_str(), request.uri(), request.headers());
    gate.requests.lock().unwrap().push(text);
    let mut held = Vec::new();
    if request.headers().contains_key(BUSY) {
        // On sqlx's own pool, so that it is not recorded.
        while pool.num_idle() > 0 {
            held.push(pool.acquire().await.unwrap());
        }
    }
    next.run(request).await
}
