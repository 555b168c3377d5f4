//! A service as its users run it: a process with a command line, an environment, output and an exit code.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

/// The output and the exit code of a program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, if it was not killed.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<String>,
    /// Its standard error.
    pub stderr: String,
}

impl Process {
    /// Starts a program with these arguments and, beside the path, only this environment.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start<A: AsRef<OsStr>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            // Read all the time: a full pipe would stop the program.
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Self {
            child,
            lines,
            seen: Vec::new(),
        })
    }

    /// The first line, of those so far and those to come, that contains the text.
    pub fn line(&mut self, text: &str) -> Option<String> {
        if let Some(line) = self.seen.iter().find(|line| line.contains(text)) {
            return Some(line.clone());
        }
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.seen.push(line.clone());
            if line.contains(text) {
                return Some(line);
            }
        }
        None
    }

    /// The address a service of the example says it listens on.
    pub fn address(&mut self) -> Option<SocketAddr> {
        let line = self.line("is listening")?;
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        line["address"].as_str()?.parse().ok()
    }

    /// Asks the program to end, as Kubernetes does.
    ///
    /// # Errors
    ///
    /// When the signal cannot be sent.
    pub fn terminate(&self) -> io::Result<ExitStatus> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
    }

    /// Waits until the program has ended; kills it if it does not.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for.
    pub fn end(mut self) -> io::Result<Ended> {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code();
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                break self.child.wait()?.code();
            }
            thread::sleep(Duration::from_millis(2));
        };
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr)?;
        }
        let mut stdout = std::mem::take(&mut self.seen);
        stdout.extend(self.lines.iter());
        Ok(Ended {
            code,
            stdout,
            stderr,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
