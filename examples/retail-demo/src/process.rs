//! A child process: started in a clean environment, watched, stopped, and never left behind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::failure::{Failure, Result, Unmet};

/// How long a process may take to finish its requests and flush its telemetry.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How often and how long to wait for a process that was killed.
const KILL_PAUSES: u32 = 200;
const KILL_PAUSE: Duration = Duration::from_millis(5);
/// As much of what a process said last as explains why it ended.
const LAST_LINES: usize = 5;

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts the program with its output in two files of that directory.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        directory: &Path,
    ) -> Result<Self> {
        let fail = |error: std::io::Error| Failure::new(format!("cannot start {name}: {error}"));
        let stdout = directory.join(format!("{name}.log"));
        let stderr = directory.join(format!("{name}.err"));
        let mut command = Command::new(program);
        command.args(arguments);
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| is_unwanted(variable)) {
            command.env_remove(variable);
        }
        command.envs(environment.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&stdout).map_err(fail)?)
            .stderr(std::fs::File::create(&stderr).map_err(fail)?);
        // Ctrl-C is for the demo alone, which then stops the processes in an order that loses no telemetry.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(fail)?;
        Ok(Self {
            name,
            child,
            stdout,
            stderr,
        })
    }

    /// The lines on its standard output so far.
    pub(crate) fn output(&self) -> String {
        read(&self.stdout)
    }

    /// The lines on its standard error so far.
    pub(crate) fn errors(&self) -> String {
        read(&self.stderr)
    }

    /// An error that tells why, if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    /// The address in its output, once it is there.
    pub(crate) fn announced<T>(
        &mut self,
        find: impl Fn(&str) -> Option<T>,
    ) -> std::result::Result<T, Unmet> {
        // An end first: what it wrote before is of no use then.
        self.check()?;
        find(&self.output())
            .ok_or_else(|| Unmet::Yet(format!("{} has not said where it listens", self.name)))
    }

    /// Asks it to end and waits until it has, with exit code 0.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.check()?;
        self.terminate()?;
        match tokio::time::timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(status) => match status? {
                status if status.success() => Ok(()),
                status => Err(self.ended(status)),
            },
            Err(_) => {
                self.child.kill().await?;
                let (name, seconds) = (self.name, STOP_LIMIT.as_secs());
                Err(Failure::new(format!(
                    "{name} did not end within {seconds} seconds of SIGTERM and was killed"
                )))
            }
        }
    }

    #[cfg(unix)]
    fn terminate(&mut self) -> Result<()> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        match pid.map(|pid| kill_process(pid, Signal::TERM)) {
            Some(Err(error)) => Err(std::io::Error::from(error).into()),
            // Without an id it has ended, which waiting for it will tell.
            Some(Ok(())) | None => Ok(()),
        }
    }

    #[cfg(not(unix))]
    fn terminate(&mut self) -> Result<()> {
        Ok(self.child.start_kill()?)
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        let mut reason = format!("{} ended with {status}", self.name);
        let said = last_lines(&read(&self.stderr));
        if !said.is_empty() {
            reason.extend([". It said last:\n", &said]);
        }
        Failure::new(reason)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.start_kill().is_err() {
            return;
        }
        // Waited for as well, so that not even an entry in the process table is left. It takes a moment at most.
        for _ in 0..KILL_PAUSES {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(KILL_PAUSE);
        }
    }
}

/// Tells if a variable of the user's would change the demo: where telemetry goes, which of it there is and how it looks,
/// where the services listen, or by which proxy they reach each other.
fn is_unwanted(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy().to_ascii_uppercase();
    ["OTEL_", "RETAIL_", "TELEMETRY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || name == "RUST_LOG"
        || name.ends_with("_PROXY")
}

fn read(file: &Path) -> String {
    // A file that cannot be read says nothing, like an empty one.
    std::fs::read(file).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let lines = &lines[lines.len().saturating_sub(LAST_LINES)..];
    lines
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]
mod tests {
    use super::*;
    use crate::polling::poll;

    fn shell(script: &str, directory: &Path) -> Process {
        Process::start("sh", "/bin/sh".as_ref(), &["-c", script], &[], directory).unwrap()
    }

    async fn failure_of(process: &mut Process) -> String {
        let limit = Duration::from_secs(10);
        let ended = poll(limit, async || process.announced(|_| None::<()>));
        ended.await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_is_named_with_its_exit_code_and_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let script = "seq 9; echo 'port in use' >&2; exit 3";
        let failure = failure_of(&mut shell(script, directory.path())).await;
        assert_eq!(
            failure,
            "sh ended with exit status: 3. It said last:\n  port in use"
        );
        let failure = failure_of(&mut shell("seq 9 >&2", directory.path())).await;
        assert!(
            failure.ends_with("last:\n  5\n  6\n  7\n  8\n  9"),
            "{failure}"
        );
        let failure = failure_of(&mut shell("kill -9 $$", directory.path())).await;
        assert_eq!(failure, "sh ended with signal: 9 (SIGKILL)");
    }

    #[tokio::test]
    async fn a_process_is_asked_to_end_and_must_end_well() {
        let directory = tempfile::tempdir().unwrap();
        for (code, well) in [(0, true), (4, false)] {
            let script =
                format!("trap 'exit {code}' TERM; echo ready; while :; do sleep 0.01; done");
            let mut process = shell(&script, directory.path());
            poll(Duration::from_secs(10), async || {
                process.announced(|said| said.contains("ready").then_some(()))
            })
            .await
            .unwrap();
            assert_eq!(process.stop().await.is_ok(), well, "exit code {code}");
        }
    }

    #[tokio::test]
    async fn a_process_that_is_dropped_does_not_live_on() {
        let directory = tempfile::tempdir().unwrap();
        let process = shell("while :; do sleep 0.01; done", directory.path());
        let id = process.child.id().unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        drop(process);
        poll(
            Duration::from_secs(10),
            async || match rustix::process::test_kill_process(pid) {
                Err(_) => Ok(()),
                Ok(()) => Err(Unmet::Yet("it lives".to_owned())),
            },
        )
        .await
        .unwrap();
    }

    #[test]
    fn what_would_change_the_demo_is_not_passed_on() {
        for name in [
            "OTEL_SDK_DISABLED",
            "RUST_LOG",
            "https_proxy",
            "TELEMETRY_LOG_FORMAT",
            "TELEMETRY_SPAN_FILTER",
            "RETAIL_API_LISTEN",
        ] {
            assert!(is_unwanted(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"] {
            assert!(!is_unwanted(OsStr::new(name)), "{name}");
        }
    }
}
