//! Our server at scale: many routes, many threads, many requests, many series, the full rate.

use std::{
    fs,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, http::Request, routing::get};
use telemetry_axum::TelemetryLayer;
use telemetry_core::{Config, Service, Telemetry, scrape::ScrapeFormat};

use crate::{
    measure::runtime,
    ours,
    sdk::current::Sdk,
    server::{Server, call, request},
};

pub fn run(arguments: &[&str]) -> Option<bool> {
    match arguments {
        ["routes", variant, routes, count] => {
            self::routes(variant, routes.parse().ok()?, count.parse().ok()?)
        }
        ["threads", variant, threads, count] => {
            self::threads(variant, threads.parse().ok()?, count.parse().ok()?)
        }
        ["memory", millions] => memory(millions.parse().ok()?),
        ["scrape", series] => scrape(series.parse().ok()?),
        ["rate", count] => rate(count.parse().ok()?),
        _ => None,
    }
}

fn many_routes(routes: u32) -> Router {
    (0..routes).fold(Router::new(), |app, n| {
        app.route(&format!("/things-{n}/{{id}}"), get(|| async { "a thing" }))
    })
}

fn request_to(route: u32) -> Request<Body> {
    let mut request = request(true);
    *request.uri_mut() = format!("/things-{route}/17").parse().expect("a path");
    request
}

/// Each route in turn, `count` times after each was met once. For callgrind.
fn routes(variant: &str, routes: u32, count: u32) -> Option<bool> {
    let app = many_routes(routes);
    let (app, pipeline) = match variant {
        "bare" => (app, None),
        _ => {
            let (providers, pipeline) = ours::of(variant, &Sdk::new(false))?;
            let layer = TelemetryLayer::new().with_providers(providers);
            (app.layer(layer), pipeline)
        }
    };
    let mut app = app.with_state::<()>(());
    runtime().block_on(async {
        for n in (0..routes).chain((0..count).map(|n| n % routes)) {
            black_box(call(&mut app, request_to(n)).await);
        }
    });
    Some(ours::finish(pipeline.as_ref()))
}

/// Prints CPU nanoseconds and wall nanoseconds per request, and how often a thread had to wait for another per million.
fn threads(variant: &str, threads: u32, count: u32) -> Option<bool> {
    let server = Server::new(variant, false)?;
    let each = count / threads;
    let (start, before, waits) = (Instant::now(), cpu(), voluntary_switches());
    let (waits_of_threads, cpu_of_all) = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                let app = server.app.clone();
                scope.spawn(move || {
                    let mut app = app.with_state::<()>(());
                    runtime().block_on(async {
                        for _ in 0..each {
                            black_box(call(&mut app, request(true)).await);
                        }
                    });
                    voluntary_switches()
                })
            })
            .collect();
        let waits: u64 = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(0))
            .sum();
        (waits, cpu() - before)
    });
    let requests = f64::from(each * threads);
    println!(
        "{:.0} {:.0} {:.1}",
        cpu_of_all.as_nanos() as f64 / requests,
        start.elapsed().as_nanos() as f64 / requests,
        waits_of_threads.saturating_sub(waits) as f64 * 1e6 / requests
    );
    // Items that the queue could not take are counted; they are no failure here.
    server.finish();
    Some(true)
}

/// Prints the resident kilobytes after each million of requests, with the pipeline exporting and all as it is by default.
fn memory(millions: u32) -> Option<bool> {
    let (telemetry, app) = by_default()?;
    let mut app = app.with_state::<()>(());
    for million in 1..=millions {
        runtime().block_on(async {
            for _ in 0..1_000_000 {
                black_box(call(&mut app, request(true)).await);
            }
        });
        println!("{million} {}", status("VmRSS:"));
    }
    // Items that the queue could not take are counted; they are no failure here.
    let _ = telemetry.shutdown();
    Some(true)
}

/// The bare router with our layer and a pipeline that exports traces, with the queue as it is by default.
fn by_default() -> Option<(Telemetry, Router)> {
    let telemetry = Config::new(Service::new("benches"))
        .with_setting("OTEL_METRICS_EXPORTER", "none")
        .with_setting("OTEL_LOGS_EXPORTER", "none")
        .with_log_sink(|_| ())
        .build()
        .expect("a pipeline");
    let layer = TelemetryLayer::new().with_providers(telemetry.providers().clone());
    let app = Server::new("bare", false)?.app.layer(layer);
    Some((telemetry, app))
}

/// Prints samples, milliseconds per scrape (median, longest), and microseconds of the longest request and of one in a
/// thousand, without scrapes and during them.
fn scrape(series: u32) -> Option<bool> {
    let telemetry = Config::new(Service::new("benches"))
        .with_setting("OTEL_TRACES_EXPORTER", "none")
        .with_setting("OTEL_LOGS_EXPORTER", "none")
        .with_setting("OTEL_METRICS_EXPORTER", "none")
        .build()
        .expect("a pipeline");
    let providers = telemetry.providers().clone();
    let layer = TelemetryLayer::new().with_providers(providers.clone());
    // A histogram has a sample for each of its 14 buckets, one for infinity, a sum and a count.
    let routes = series.div_ceil(17);
    let mut app = many_routes(routes).layer(layer).with_state::<()>(());
    runtime().block_on(async {
        for n in 0..routes {
            black_box(call(&mut app, request_to(n)).await);
        }
    });
    let stop = Arc::new(AtomicBool::new(false));
    let mut requests = move |stop: &AtomicBool| {
        let mut times = Vec::new();
        runtime().block_on(async {
            for n in (0..routes).cycle() {
                let start = Instant::now();
                black_box(call(&mut app, request_to(n)).await);
                times.push(start.elapsed());
                if stop.load(Relaxed) {
                    break;
                }
            }
        });
        times.sort_unstable();
        let longest = times.last().copied().unwrap_or_default();
        (longest, times[times.len() * 999 / 1000])
    };
    let mut during = |work: &mut dyn FnMut()| {
        stop.store(false, Relaxed);
        thread::scope(|scope| {
            let requests = scope.spawn(|| requests(&stop));
            work();
            stop.store(true, Relaxed);
            requests.join().expect("requests do not panic")
        })
    };
    let quiet = during(&mut || thread::sleep(Duration::from_secs(3)));
    let (mut scrapes, mut samples) = (Vec::new(), 0);
    let busy = during(&mut || {
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            let start = Instant::now();
            let text = providers
                .scrape(ScrapeFormat::Prometheus)
                .unwrap_or_default();
            scrapes.push(start.elapsed());
            samples = text.lines().filter(|line| !line.starts_with('#')).count();
        }
    });
    scrapes.sort_unstable();
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    println!(
        "{samples} {:.1} {:.1} {:.0} {:.0} {:.0} {:.0}",
        micros(scrapes[scrapes.len() / 2]) / 1e3,
        micros(scrapes[scrapes.len() - 1]) / 1e3,
        micros(quiet.0),
        micros(quiet.1),
        micros(busy.0),
        micros(busy.1),
    );
    Some(samples >= series as usize)
}

/// Requests as fast as they go, with the queue as it is by default. Prints requests, requests a second, and what
/// shutdown says of losses; the collector knows what came.
fn rate(count: u32) -> Option<bool> {
    let (telemetry, app) = by_default()?;
    let mut app = app.with_state::<()>(());
    let start = Instant::now();
    runtime().block_on(async {
        for _ in 0..count {
            black_box(call(&mut app, request(true)).await);
        }
    });
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    let lost = match telemetry.shutdown() {
        Ok(()) => "nothing was lost".to_owned(),
        Err(error) => error.to_string().replace('\n', " "),
    };
    println!("{count} {rate:.0} {lost}");
    Some(true)
}

/// A line of /proc/thread-self/status, as a number.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn voluntary_switches() -> u64 {
    status("voluntary_ctxt_switches:")
}

/// User and system time of this process, in the kernel's ticks of 10 ms.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11..=12]
        .iter()
        .map(|ticks| ticks.parse().unwrap_or(0))
        .sum();
    Duration::from_millis(ticks * 10)
}
