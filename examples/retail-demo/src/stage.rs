//! The four processes, each told where the others are.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::failure::{Failure, Result, Unmet};
use crate::polling::poll;
use crate::process::Process;

const START_LIMIT: Duration = Duration::from_secs(15);

/// What the demo runs on. Dropping it kills the processes and removes their files.
#[derive(Debug)]
pub(crate) struct Stage {
    // In the order in which they must end: whoever sends telemetry before whoever receives it. The files go last.
    web: Process,
    api: Process,
    worker: Process,
    viewer: Process,
    scratch: TempDir,
    pub(crate) addresses: Addresses,
}

/// Base URLs.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) viewer: String,
    pub(crate) grpc: String,
    pub(crate) api: String,
    pub(crate) web: String,
}

impl Stage {
    /// Starts all of them and waits until they are ready.
    pub(crate) async fn start(binaries: &Binaries, client: &reqwest::Client) -> Result<Self> {
        let scratch = tempfile::Builder::new()
            .prefix("retail-demo-")
            .tempdir()
            .map_err(|error| {
                Failure::new(format!("{error}. Choose another directory with TMPDIR"))
            })?;
        let directory = scratch.path();

        let (grpc, http) = (listen_on(4317), listen_on(4318));
        let arguments = ["--grpc", &grpc, "--http", &http];
        let mut viewer = start(binaries, "telemetry-viewer", &arguments, &[], directory)?;
        let (grpc, http) = poll(START_LIMIT, async || viewer.announced(endpoints)).await?;

        // One service by each transport, to show that both work.
        let database = directory.join("retail.db");
        let arguments = [
            "--listen",
            &listen_on(8081),
            "--database",
            &database.to_string_lossy(),
        ];
        let mut api = start(
            binaries,
            "retail-api",
            &arguments,
            &exporting("grpc", &grpc),
            directory,
        )?;
        let api_url = poll(START_LIMIT, async || api.announced(listening)).await?;

        let arguments = ["--database", &database.to_string_lossy()];
        let environment = exporting("http/protobuf", &http);
        let worker = start(
            binaries,
            "retail-worker",
            &arguments,
            &environment,
            directory,
        )?;

        let arguments = ["--listen", &listen_on(8080), "--api", &api_url];
        let environment = exporting("http/protobuf", &http);
        let mut web = start(binaries, "retail-web", &arguments, &environment, directory)?;
        let web_url = poll(START_LIMIT, async || web.announced(listening)).await?;

        let addresses = Addresses {
            viewer: http,
            grpc,
            api: api_url,
            web: web_url,
        };
        let mut stage = Self {
            web,
            api,
            worker,
            viewer,
            scratch,
            addresses,
        };
        stage.ready(client).await?;
        Ok(stage)
    }

    async fn ready(&mut self, client: &reqwest::Client) -> Result<()> {
        let Addresses {
            viewer, api, web, ..
        } = self.addresses.clone();
        let urls = [
            format!("{viewer}/livez"),
            format!("{api}/livez"),
            format!("{api}/readyz"),
            format!("{web}/livez"),
            format!("{web}/readyz"),
        ];
        for url in urls {
            poll(START_LIMIT, async || {
                self.check()?;
                let said = match client.get(&url).send().await {
                    Ok(response) if response.status().is_success() => return Ok(()),
                    Ok(response) => response.text().await.unwrap_or_default(),
                    Err(error) => error.to_string(),
                };
                Err(Unmet::Yet(format!("{url} says {:?}", said.trim_end())))
            })
            .await?;
        }
        Ok(())
    }

    /// An error if one of the processes has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        for process in [
            &mut self.viewer,
            &mut self.api,
            &mut self.worker,
            &mut self.web,
        ] {
            process.check()?;
        }
        Ok(())
    }

    /// Where the processes write what they say.
    pub(crate) fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Stops all of them, whatever becomes of one; the first that did not end well is the error.
    pub(crate) async fn stop(self) -> Result<()> {
        let mut result = Ok(());
        for process in [self.web, self.api, self.worker, self.viewer] {
            let stopped = process.stop().await;
            result = result.and(stopped);
        }
        result
    }
}

fn start(
    binaries: &Binaries,
    name: &'static str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    directory: &Path,
) -> Result<Process> {
    Process::start(
        name,
        &binaries.path(name),
        arguments,
        environment,
        directory,
    )
}

/// Short intervals, because somebody is waiting for the result.
fn exporting<'a>(protocol: &'a str, endpoint: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ]
}

/// The address with the documented port, or with any free port if that one is in use.
fn listen_on(port: u16) -> String {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => address.to_string(),
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string(),
    }
}

/// The two endpoints that telemetry-viewer prints.
fn endpoints(output: &str) -> Option<(String, String)> {
    let of = |label: &str| {
        let line = output.lines().find(|line| line.starts_with(label))?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))?;
        Some(url.to_owned())
    };
    of("OTLP/gRPC").zip(of("OTLP/HTTP"))
}

/// The base URL of a service, from the line it logs when it listens.
fn listening(output: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Line {
        address: SocketAddr,
    }

    let lines = output.lines().filter(|line| line.contains("is listening"));
    let address = lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .map(|Line { address }| address)
        .next()?;
    Some(format!("http://{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_makes_way_for_any_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(listen_on(port), "127.0.0.1:0");
        drop(taken);
        assert_eq!(listen_on(port), format!("127.0.0.1:{port}"));
    }

    #[test]
    fn addresses_are_read_from_what_the_programs_say() {
        let said = "OTLP/gRPC  http://127.0.0.1:1\nOTLP/HTTP  http://127.0.0.1:2  (web page too)\n";
        let expected = (
            "http://127.0.0.1:1".to_owned(),
            "http://127.0.0.1:2".to_owned(),
        );
        assert_eq!(endpoints(said), Some(expected));
        assert_eq!(endpoints("OTLP/gRPC  http://127.0.0.1:1\n"), None);

        let said = "{\"message\":\"hello\"}\n\
                    {\"message\":\"retail-api is listening\",\"address\":\"127.0.0.1:81\"}\n";
        assert_eq!(listening(said).as_deref(), Some("http://127.0.0.1:81"));
        assert_eq!(listening("{\"message\":\"retail-api is list"), None);
    }
}
