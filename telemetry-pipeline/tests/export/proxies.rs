//! Proxies of the environment, which is one of a process: each test runs itself again with variables of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    collector::Collector, collector::refusing, grpc, record, tls::Authority, tracer, traces_to,
};

/// Runs one of the tests below with these variables and returns what it wrote to standard error.
fn run(test: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("proxies::{test}"), "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command
        .env("TELEMETRY_PROXY", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Exports a span by the variables of the process, and says how that went.
#[test]
fn export_by_the_environment() {
    if std::env::var_os("TELEMETRY_PROXY").is_none() {
        return;
    }
    let read = |name: &str| std::env::var(name).unwrap();
    let (url, protocol, ca) = (read("TEST_URL"), read("TEST_PROTOCOL"), read("TEST_CA"));
    let mut vars = vec![
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret"),
    ];
    if !ca.is_empty() {
        vars.push(("OTEL_EXPORTER_OTLP_CERTIFICATE", ca.as_str()));
    }
    let telemetry = traces_to(&url, &vars);
    record(&tracer(&telemetry), "proxied");
    match telemetry.shutdown() {
        Ok(()) => eprintln!("DELIVERED"),
        Err(error) => eprintln!("LOST {error}"),
    }
}

fn export(url: &str, protocol: &str, ca: &str, proxy: &[(&str, &str)]) -> String {
    let mut variables = vec![
        ("TEST_URL", url),
        ("TEST_PROTOCOL", protocol),
        ("TEST_CA", ca),
    ];
    variables.extend(proxy);
    let said = run("export_by_the_environment", &variables);
    let result = said
        .lines()
        .find(|line| line.starts_with("DELIVERED") || line.starts_with("LOST"));
    result.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// A proxy that leads every name to one collector.
struct Proxy {
    url: String,
    /// The head of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(collector: &str) -> Self {
        let target = collector
            .split("://")
            .last()
            .unwrap()
            .replace("localhost", "127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:pass%20word@{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heads = asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, heads) = (target.clone(), heads.clone());
                thread::spawn(move || serve(client, &target, &heads));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(client: TcpStream, target: &str, heads: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    heads.lock().unwrap().push(head.clone());
    let mut server = TcpStream::connect(target).unwrap();
    let mut answers = client.try_clone().unwrap();
    if head.starts_with("CONNECT ") {
        answers.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    } else {
        // The collector of the tests wants to see a path, as any server would.
        let (method, rest) = head.split_once(' ').unwrap();
        let (url, rest) = rest.split_once(' ').unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap();
        server
            .write_all(format!("{method} /{path} {rest}").as_bytes())
            .unwrap();
    }
    let mut from_server = server.try_clone().unwrap();
    thread::spawn(move || std::io::copy(&mut from_server, &mut answers));
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut bytes) {
        if server.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

#[test]
fn https_and_grpc_tunnel_and_plain_http_is_forwarded() {
    let authority = Authority::new();
    let ca = authority.path("ca.pem");
    let plain = Collector::start();
    let secure = Collector::tls(authority.server_config());
    let rpc = grpc::Collector::start(None, |_, _| Ok(Default::default()));
    // The name leads to the proxy alone: there is no such host.
    let away = |url: &str| url.replace("127.0.0.1", "collector.invalid");
    for (url, protocol, target, line) in [
        (
            away(&plain.url()),
            "http/protobuf",
            plain.url(),
            "POST http://collector.invalid",
        ),
        (
            away(&plain.url()),
            "http/json",
            plain.url(),
            "POST http://collector.invalid",
        ),
        (
            away(&rpc.url()),
            "grpc",
            rpc.url(),
            "CONNECT collector.invalid:",
        ),
    ] {
        let proxy = Proxy::to(&target);
        let variables = [
            ("HTTP_PROXY", proxy.url.as_str()),
            ("HTTPS_PROXY", proxy.url.as_str()),
        ];
        assert_eq!(
            export(&url, protocol, "", &variables),
            "DELIVERED",
            "{protocol}"
        );
        let asked = proxy.asked();
        assert!(asked[0].starts_with(line), "{asked:?}");
        let login = "proxy-authorization: basic dxnlcjpwyxnzihdvcmq=";
        assert!(asked[0].to_lowercase().contains(login), "{asked:?}");
    }
    let port = secure.https().rsplit(':').next().unwrap().to_owned();
    let proxy = Proxy::to(&secure.https());
    // The certificate is for localhost, which is not proxied: the tunnel is all that can be seen.
    let url = format!("https://collector.invalid:{port}");
    let said = export(
        &url,
        "http/protobuf",
        &ca,
        &[("HTTPS_PROXY", proxy.url.as_str())],
    );
    assert!(
        said.contains("certificate") && !said.contains("user:pass"),
        "{said}"
    );
    let asked = proxy.asked();
    assert!(
        asked[0].starts_with(&format!("CONNECT collector.invalid:{port} ")),
        "{asked:?}"
    );
    assert!(
        !asked[0].contains("secret"),
        "the collector's key is not for the proxy: {asked:?}"
    );
}

#[test]
fn a_collector_on_this_machine_is_reached_without_the_proxy() {
    let collector = Collector::start();
    let proxy = Proxy::to(&collector.url());
    for protocol in ["http/protobuf", "http/json"] {
        for host in ["127.0.0.1", "localhost"] {
            let url = collector.url().replace("127.0.0.1", host);
            let variables = [
                ("HTTP_PROXY", proxy.url.as_str()),
                ("ALL_PROXY", proxy.url.as_str()),
            ];
            assert_eq!(export(&url, protocol, "", &variables), "DELIVERED");
        }
    }
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[test]
fn no_proxy_names_hosts_that_are_reached_directly() {
    let proxy = Proxy::to("127.0.0.1:1");
    let variables = [("HTTP_PROXY", proxy.url.as_str()), ("NO_PROXY", ".invalid")];
    let said = export(
        "http://collector.invalid:4318",
        "http/protobuf",
        "",
        &variables,
    );
    assert!(
        said.starts_with("LOST") && !said.contains("proxy"),
        "{said}"
    );
    assert_eq!(proxy.asked(), Vec::<String>::new());
}

#[test]
fn a_dead_proxy_is_named_in_the_reason_without_its_password() {
    let dead = refusing().replace("http://", "http://user:password@");
    let shown = refusing_address(&dead);
    for (url, protocol) in [
        ("http://collector.invalid:4318", "http/protobuf"),
        ("http://collector.invalid:4317", "grpc"),
        ("https://collector.invalid:4318", "http/protobuf"),
    ] {
        let variables = [
            ("HTTP_PROXY", dead.as_str()),
            ("HTTPS_PROXY", dead.as_str()),
        ];
        let said = export(url, protocol, "", &variables);
        assert!(
            said.contains(&format!("through the proxy http://{shown}")),
            "{said}"
        );
        assert!(
            said.contains("refused") && !said.contains("password"),
            "{said}"
        );
    }
}

#[test]
fn a_proxy_of_another_kind_is_refused_by_name() {
    let variables = [("ALL_PROXY", "socks5://user:password@127.0.0.1:1080")];
    let said = export(
        "http://collector.invalid:4318",
        "http/protobuf",
        "",
        &variables,
    );
    assert!(
        said.contains("socks5://127.0.0.1:1080") && said.contains("set HTTP_PROXY"),
        "{said}"
    );
    assert!(!said.contains("password"), "{said}");
}

fn refusing_address(url: &str) -> &str {
    url.rsplit('@').next().unwrap()
}
