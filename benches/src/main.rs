//! The cost of telemetry, beside its peers. The scripts beside this crate's manifest run it.
//!
//! ```text
//! benches list
//! benches case <scenario> <variant> <sampled|unsampled> <run|allocations|time|records> <count>
//! benches serve <variant of server> <port> <none|otlp>
//! benches sink <port>
//! benches scale <routes|threads|memory|scrape|rate> ...
//! ```

mod client;
mod export;
mod log;
mod measure;
mod ours;
mod scale;
mod sdk;
mod serve;
mod server;
mod sink;
mod sql;
mod step;

use std::process::ExitCode;

use measure::Measure;

type Scenario = (
    &'static str,
    &'static [(&'static str, &'static str)],
    fn(&str, bool, Measure) -> Option<bool>,
);

const SCENARIOS: [Scenario; 6] = [
    ("server", server::VARIANTS, server::run),
    ("client", client::VARIANTS, client::run),
    ("sql", sql::VARIANTS, sql::run),
    ("log", log::VARIANTS, log::run),
    ("step", step::VARIANTS, step::run),
    ("export", export::VARIANTS, export::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command(&arguments) {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => {
            eprintln!("telemetry was lost, or the server failed");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("no such case; see the documentation of src/main.rs");
            ExitCode::FAILURE
        }
    }
}

fn command(arguments: &[&str]) -> Option<bool> {
    match arguments {
        ["list"] => {
            for (scenario, variants, _) in SCENARIOS {
                for (variant, title) in variants {
                    println!("{scenario}\t{variant}\t{title}");
                }
            }
            Some(true)
        }
        ["case", scenario, variant, sampled, what, count] => {
            let (.., run) = SCENARIOS.into_iter().find(|(name, ..)| name == scenario)?;
            let sampled = match *sampled {
                "sampled" => true,
                "unsampled" => false,
                _ => return None,
            };
            run(variant, sampled, Measure::parse(what, count.parse().ok()?)?)
        }
        ["serve", variant, port, exporter] => serve::serve(variant, port.parse().ok()?, exporter),
        ["sink", port] => {
            let port = port.parse().ok()?;
            Some(measure::runtime().block_on(sink::serve(port)).is_ok())
        }
        ["scale", rest @ ..] => scale::run(rest),
        _ => None,
    }
}
