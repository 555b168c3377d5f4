//! The limit of memory holds for what is being received, too.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the program is told to keep within.
const MAX_BYTES: usize = 64 << 20;
/// What it may take in all: code, stacks and buffers of sockets come on top.
const MAX_RESIDENT: usize = MAX_BYTES + (96 << 20);

struct Program {
    child: Child,
    http: String,
}

impl Program {
    fn start() -> Self {
        let limit = MAX_BYTES.to_string();
        let mut child = Command::new(env!("CARGO_BIN_EXE_telemetry-viewer"))
            .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--max-bytes", &limit])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let http = lines
            .map(Result::unwrap)
            .find_map(|line| Some(line.strip_prefix("OTLP/HTTP")?.to_owned()))
            .unwrap();
        let http = http.split("http://").nth(1).unwrap();
        let http = http.split(' ').next().unwrap().to_owned();
        Self { child, http }
    }

    fn send(&self, length: usize, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        let timeout = Some(Duration::from_secs(20));
        stream.set_read_timeout(timeout).unwrap();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/x-protobuf\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Who is refused may find the connection closed before everything is sent.
        let _ = stream.write_all(body);
        stream
    }

    /// The most memory that the process has had.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
        let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib << 10
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn delimited(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

/// A request of so many spans without any content: two bytes each.
fn empty_spans(count: usize) -> Vec<u8> {
    let spans = [0x12, 0].repeat(count);
    delimited(0x0a, &delimited(0x12, &spans))
}

#[test]
fn millions_of_empty_spans_are_refused_before_they_are_decoded() {
    let program = Program::start();
    let body = empty_spans(4_000_000);
    assert!(body.len() < 8 << 20);
    let answer = status(program.send(body.len(), &body));
    assert!(answer.contains("413"), "{answer}");
    assert!(program.peak() < MAX_RESIDENT, "{}", program.peak());

    let few = empty_spans(100);
    let answer = status(program.send(few.len(), &few));
    assert!(answer.contains("200"), "{answer}");
}

#[test]
fn bodies_that_never_end_share_half_of_the_limit() {
    let program = Program::start();
    let part = vec![0; 1 << 20];
    let held: Vec<_> = (0..200).map(|_| program.send(8 << 20, &part)).collect();
    std::thread::sleep(Duration::from_millis(500));
    assert!(program.peak() < MAX_RESIDENT, "{}", program.peak());
    drop(held);

    let few = empty_spans(100);
    let taken = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        status(program.send(few.len(), &few)).contains("200")
    });
    assert!(taken, "room is free again when the senders are gone");
}

#[test]
fn a_body_that_does_not_arrive_ends_after_ten_seconds() {
    let program = Program::start();
    let answer = status(program.send(1000, b"\x0a"));
    assert!(answer.contains("408"), "{answer}");
}
