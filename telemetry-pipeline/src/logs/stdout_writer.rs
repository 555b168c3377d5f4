//! Standard output that keeps no request waiting, whatever becomes of its reader.
//!
//! A line is written by the thread that logs it while standard output takes lines, so that it is out when the process
//! ends the next moment, however that happens. When standard output does not take it at once, because a pipe is full
//! or another thread writes, the line goes into a bounded queue, which a thread of its own writes. Lines keep their
//! order, and what is lost is counted.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::otlp::{Losses, Reason};

/// The most bytes that wait. About ten thousand lines.
const MAX_WAITING: u64 = 4 * 1024 * 1024;

/// The bytes that a pipe which is ready takes at once (PIPE_BUF of Linux).
const ATOMIC: usize = 4096;

/// The file that lines are written to.
pub(crate) trait Output: Send + Sync + 'static {
    /// Returns whether [`ATOMIC`] bytes can be written without waiting.
    fn is_ready(&self) -> bool;

    /// Writes some of it, and waits if it cannot.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd + Send + Sync + 'static> Output for T {
    fn is_ready(&self) -> bool {
        let mut polled = [rustix::event::PollFd::new(
            self,
            rustix::event::PollFlags::OUT,
        )];
        // Closed counts as ready: the write says so at once.
        rustix::event::poll(&mut polled, Some(&rustix::event::Timespec::default())) == Ok(1)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::retry_on_intr(|| rustix::io::write(self, bytes)) {
                // Another process that shares the pipe has made it non-blocking.
                Err(rustix::io::Errno::AGAIN) => {
                    let mut polled = [rustix::event::PollFd::new(
                        self,
                        rustix::event::PollFlags::OUT,
                    )];
                    rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, None))?;
                }
                written => return Ok(written?),
            }
        }
    }
}

/// Where readiness cannot be asked for, the thread writes everything.
#[cfg(not(unix))]
impl Output for io::Stdout {
    fn is_ready(&self) -> bool {
        false
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut lock = self.lock();
        io::Write::write_all(&mut lock, bytes)?;
        io::Write::flush(&mut lock)?;
        Ok(bytes.len())
    }
}

/// The end that lines are put in. Its thread ends some time after it is dropped.
pub(crate) struct Stdout(Arc<Shared>);

struct Shared {
    output: Box<dyn Output>,
    state: Mutex<State>,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For those who flush: everything is written.
    done: Condvar,
    losses: Arc<Losses>,
}

#[derive(Default)]
struct State {
    queue: Vec<u8>,
    /// Bytes that were ever taken on, and those of them that were written or lost, in their order.
    accepted: u64,
    settled: u64,
    /// Some thread writes.
    writing: bool,
    /// The thread waits for work.
    idle: bool,
    flushing: usize,
    /// Lines lost since the last report.
    unreported: u64,
    /// Lines are taken again.
    recovered: bool,
    reporting: bool,
    ended: bool,
}

impl Stdout {
    /// `report` is told how many lines were lost, once lines are taken again.
    pub(crate) fn start(
        output: impl Output,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            output: Box::new(output),
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            losses: Arc::new(Losses::new("log lines")),
        });
        let writer = shared.clone();
        thread::Builder::new()
            .name("telemetry-stdout".to_owned())
            .spawn(move || writer.run(report))?;
        Ok(Self(shared))
    }

    /// Writes or queues lines, or counts them as lost. Never waits for the reader.
    pub(crate) fn write(&self, lines: &str) {
        let shared = &*self.0;
        let mut state = shared.lock();
        if state.writing || !state.queue.is_empty() || lines.len() > ATOMIC {
            shared.enqueue(&mut state, lines);
            return;
        }
        state.writing = true;
        let bytes = lines.as_bytes();
        state.accepted += bytes.len() as u64;
        drop(state);
        let written = if shared.output.is_ready() {
            shared.output.write(bytes)
        } else {
            Ok(0)
        };
        let mut state = shared.lock();
        state.writing = false;
        match written {
            Ok(written) => {
                state.wrote(written);
                // Others may have queued lines meanwhile, but this one is older.
                if let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                    state.queue.splice(..0, rest.iter().copied());
                }
            }
            Err(error) => shared.failed(&mut state, bytes, &error),
        }
        shared.wake(&mut state);
    }

    /// Waits until everything before this call is written or lost, a report included, at most so long. Returns whether
    /// it is.
    pub(crate) fn flush(&self, bound: Duration) -> bool {
        let until = Instant::now() + bound;
        let mut state = self.0.lock();
        state.flushing += 1;
        let mark = state.accepted;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let written = state.is_settled(mark);
            if written || left.is_zero() {
                state.flushing -= 1;
                return written;
            }
            (state, _) = self
                .0
                .done
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn losses(&self) -> &Arc<Losses> {
        &self.0.losses
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        self.0.work.notify_one();
    }
}

impl State {
    fn is_settled(&self, mark: u64) -> bool {
        self.settled >= mark && !self.recovered && !self.reporting
    }

    fn waiting(&self) -> u64 {
        self.accepted - self.settled
    }

    fn wrote(&mut self, bytes: usize) {
        self.settled += bytes as u64;
        self.recovered |= bytes > 0 && self.unreported > 0;
    }

    fn has_work(&self) -> bool {
        !self.writing && (!self.queue.is_empty() || self.recovered)
    }
}

impl Shared {
    fn enqueue(&self, state: &mut State, lines: &str) {
        let bytes = lines.len() as u64;
        if state.waiting() + bytes > MAX_WAITING {
            let lost = count_lines(lines.as_bytes());
            self.losses.lost(Reason::QueueBytes, lost);
            state.unreported += lost;
        } else {
            state.queue.extend_from_slice(lines.as_bytes());
            state.accepted += bytes;
            self.wake(state);
        }
    }

    /// Counts lines as lost that could not be written: there is no reader, or no room on the disk.
    fn failed(&self, state: &mut State, rest: &[u8], error: &io::Error) {
        let lost = count_lines(rest);
        self.losses.lost(Reason::ExportFailed, lost);
        self.losses.explain(format!("standard output: {error}"));
        state.unreported += lost;
        state.settled += rest.len() as u64;
    }

    fn wake(&self, state: &mut State) {
        if state.idle && state.has_work() {
            state.idle = false;
            self.work.notify_one();
        }
        if state.flushing > 0 {
            self.done.notify_all();
        }
    }

    fn run(&self, report: impl Fn(u64)) {
        let mut state = self.lock();
        loop {
            if state.has_work() && state.queue.is_empty() {
                state.recovered = false;
                state.reporting = true;
                let lost = std::mem::take(&mut state.unreported);
                drop(state);
                report(lost);
                state = self.lock();
                state.reporting = false;
                self.wake(&mut state);
            } else if state.has_work() {
                state = self.write_queue(state);
            } else if state.ended {
                return;
            } else {
                state.idle = true;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn write_queue<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let lines = std::mem::take(&mut state.queue);
        state.writing = true;
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            drop(state);
            // In parts, because a write to a pipe returns when all of it is written, and someone may flush a part.
            let part = rest.get(..ATOMIC).unwrap_or(rest);
            let written = self.output.write(part);
            state = self.lock();
            match written {
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    state.wrote(written);
                }
                Err(error) => {
                    self.failed(&mut state, rest, &error);
                    rest = &[];
                }
            }
            self.wake(&mut state);
        }
        state.writing = false;
        self.wake(&mut state);
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line that was written in part is not whole, so it counts by its end.
fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl std::fmt::Debug for Stdout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stdout").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
