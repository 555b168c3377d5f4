//! The program as a user starts and stops it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_telemetry-viewer"))
        .args(arguments)
        .env_remove("TELEMETRY_VIEWER_GRPC")
        .env_remove("TELEMETRY_VIEWER_HTTP")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn stops_cleanly_on(signal: &str) {
    let mut child = start(&["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .take(2)
        .map(Result::unwrap)
        .collect();
    for (line, label) in lines.iter().zip(["OTLP/gRPC", "OTLP/HTTP"]) {
        assert!(line.starts_with(label), "{line}");
        let address = line.split("http://").nth(1).unwrap();
        let address: SocketAddr = address.split(' ').next().unwrap().parse().unwrap();
        TcpStream::connect(address).unwrap();
    }
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_prints_both_addresses_and_ends_with_success_on_sigterm() {
    stops_cleanly_on("-TERM");
}

#[test]
fn it_ends_with_success_on_sigint() {
    stops_cleanly_on("-INT");
}

#[test]
fn a_port_in_use_is_one_line_naming_the_flag_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut child = start(&["--grpc", "127.0.0.1:0", "--http", &address]);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut message = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut message)
        .unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(
        message.contains(&address) && message.contains("--http"),
        "{message}"
    );
}

#[test]
fn help_explains_flags_defaults_and_environment() {
    let output = start(&["--help"]).wait_with_output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "127.0.0.1:4317",
        "--max-bytes",
        "TELEMETRY_VIEWER_MAX_SPANS",
    ] {
        assert!(help.contains(part), "{help}");
    }
}

#[test]
fn an_address_without_host_names_what_works() {
    let output = start(&["--http", "4318"]).wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("127.0.0.1:4318"), "{message}");
    let output = start(&["--grpc", "here"]).wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("write 127.0.0.1"), "{message}");
}

#[test]
fn localhost_is_an_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let address = format!("localhost:{port}");
    let output = start(&["--grpc", "127.0.0.1:0", "--http", &address]);
    let output = output.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
}
