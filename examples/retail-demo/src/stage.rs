//! The four processes, each told where the others are.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::binaries::Binaries;
use crate::failure::{Failure, Result, Unmet};
use crate::polling::poll;
use crate::process::Process;
use crate::progress::progress;

const START_LIMIT: Duration = Duration::from_secs(15);

/// The processes and files of the demo. Dropping it kills the processes and removes the files.
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
        let scene = Scene {
            binaries,
            directory: scratch.path(),
        };
        let (viewer, (grpc, http)) = scene.viewer().await?;
        progress(&format!(
            "telemetry-viewer is ready: {http}, gRPC {}",
            port(&grpc)
        ));
        // One service by each transport, to show that both work.
        let (api, api_url) = scene.api(&grpc).await?;
        progress(&format!("retail-api is ready: {api_url}"));
        let worker = scene.worker(&http)?;
        progress("retail-worker is started");
        let (web, web_url) = scene.web(&http, &api_url).await?;
        progress(&format!("retail-web is ready: {web_url}"));

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

/// Where programs are found and where they write.
#[derive(Clone, Copy)]
struct Scene<'a> {
    binaries: &'a Binaries,
    directory: &'a Path,
}

impl Scene<'_> {
    async fn viewer(self) -> Result<(Process, (String, String))> {
        let launch = |at: &[String]| {
            let arguments = ["--grpc", &at[0], "--http", &at[1]];
            self.start("telemetry-viewer", &arguments, &[])
        };
        on_ports([4317, 4318], launch, endpoints).await
    }

    async fn api(self, grpc: &str) -> Result<(Process, String)> {
        let (database, environment) = (self.database(), exporting("grpc", grpc));
        let launch = |at: &[String]| {
            let arguments = ["--listen", &at[0], "--database", &database];
            self.start("retail-api", &arguments, &environment)
        };
        on_ports([8081], launch, listening).await
    }

    fn worker(self, http: &str) -> Result<Process> {
        let environment = exporting("http/protobuf", http);
        let arguments = ["--database", &self.database()];
        self.start("retail-worker", &arguments, &environment)
    }

    async fn web(self, http: &str, api: &str) -> Result<(Process, String)> {
        let environment = exporting("http/protobuf", http);
        let launch = |at: &[String]| {
            let arguments = ["--listen", &at[0], "--api", api];
            self.start("retail-web", &arguments, &environment)
        };
        on_ports([8080], launch, listening).await
    }

    fn database(self) -> String {
        self.directory
            .join("retail.db")
            .to_string_lossy()
            .into_owned()
    }

    fn start(
        self,
        name: &'static str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        let program = self.binaries.path(name);
        Process::start(name, &program, arguments, environment, self.directory)
    }
}

/// Starts a program on its usual ports and waits until it says where it listens. A port that it cannot have gives way to
/// any free one, and it starts again. Nobody but the program binds, so that no port is lost between a trial and its use.
async fn on_ports<T, const N: usize>(
    ports: [u16; N],
    launch: impl Fn(&[String]) -> Result<Process>,
    find: impl Fn(&str) -> Option<T>,
) -> Result<(Process, T)> {
    let mut addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    loop {
        let mut process = launch(&addresses.map(|it| it.to_string()))?;
        let found = poll(START_LIMIT, async || process.announced(&find)).await;
        let failure = match found {
            Ok(found) => return Ok((process, found)),
            Err(failure) => failure,
        };
        let said = process.errors();
        let refused = |address: &&mut SocketAddr| {
            address.port() != 0 && said.contains(&format!("on {address}: "))
        };
        match addresses.iter_mut().find(refused) {
            Some(address) => address.set_port(0),
            None => return Err(failure),
        }
    }
}

/// The last part of a base URL.
fn port(url: &str) -> &str {
    url.rfind(':').map_or(url, |colon| &url[colon..])
}

/// Short intervals, because somebody is waiting for the result.
fn exporting<'a>(protocol: &'a str, endpoint: &'a str) -> [(&'static str, &'a str); 6] {
    [
        // The demo reads the addresses from these lines.
        ("TELEMETRY_LOG_FORMAT", "json"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ]
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

    /// A program that listens nowhere and says the opposite, unless it is told a port that is taken.
    #[cfg(unix)]
    async fn told(ports: [u16; 2], taken: &str) -> Result<String> {
        let directory = tempfile::tempdir().unwrap();
        let launch = |at: &[String]| {
            let (one, other) = (&at[0], &at[1]);
            let script = format!(
                "case '{taken}' in {one}|{other}) echo 'cannot listen on {taken}: in use' >&2; exit 1;; esac; \
                 echo '{one} {other}'; while :; do sleep 0.01; done"
            );
            let arguments = ["-c", script.as_str()];
            Process::start("sh", "/bin/sh".as_ref(), &arguments, &[], directory.path())
        };
        let find = |said: &str| said.strip_suffix('\n').map(str::to_owned);
        let (_process, found) = on_ports(ports, launch, find).await?;
        Ok(found)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_port_that_the_program_cannot_have_gives_way() {
        let free = told([1, 2], "127.0.0.1:3").await.unwrap();
        assert_eq!(free, "127.0.0.1:1 127.0.0.1:2");
        let taken = told([1, 2], "127.0.0.1:2").await.unwrap();
        assert_eq!(taken, "127.0.0.1:1 127.0.0.1:0");
        let never = told([0, 2], "127.0.0.1:0").await.unwrap_err().to_string();
        assert!(never.contains("127.0.0.1:0: in use"), "{never}");
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
