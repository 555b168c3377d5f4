//! The bounded queue between the threads that record and the one that exports.

mod admission;
#[cfg(test)]
mod tests;

/// The atomics of [`admission`].
mod atomic {
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}

use std::{
    io::Write as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Notify;

use self::admission::{Admission, Bounds, Refused};
use super::{
    batching::Batching,
    fork::Home,
    limits::REQUEST_BYTES,
    losses::{Losses, Reason},
};

/// Items that come so long after shutdown come from a service that is not about to end: the handle was dropped too early.
const ENDING: Duration = Duration::from_secs(10);

/// The size of an item as long as none has come, to estimate how many fit.
const USUAL_SIZE: u64 = 1024;

/// The recording side: it takes no lock, never waits, and counts the items that it must drop.
pub(crate) struct Queue<T> {
    // Boxed, since the channel clears room for 31 items at a time, which costs a span more than its allocation does.
    sender: mpsc::Sender<WithSize<T>>,
    state: Arc<State>,
}

/// The exporting side.
pub(crate) struct Intake<T> {
    receiver: mpsc::Receiver<WithSize<T>>,
    /// An item that did not fit into the last batch.
    held: Option<WithSize<T>>,
    state: Arc<State>,
}

/// An item and its size in bytes.
type WithSize<T> = (Box<T>, usize);

struct State {
    home: Home,
    admission: Admission,
    closed_at: OnceLock<Instant>,
    /// True if it was reported that items come long after the end.
    reported_late: AtomicBool,
    wake: Notify,
    losses: Arc<Losses>,
}

/// How full a queue is, and how many items came to it.
#[derive(Clone)]
pub(crate) struct Fill(Arc<State>);

impl Fill {
    pub(crate) fn length(&self) -> u64 {
        self.0.admission.waiting()
    }

    /// How many items it may hold: about so many as fit into its bytes, if they are of the size of those that wait.
    pub(crate) fn capacity(&self) -> u64 {
        let bounds = self.0.admission.bounds();
        let (length, bytes) = (self.length(), self.0.admission.bytes() as u64);
        let size = bytes.checked_div(length).unwrap_or(USUAL_SIZE).max(1);
        bounds.items.min(bounds.bytes as u64 / size)
    }

    /// How many items were put in or refused. While threads put items in it may lag behind, never run ahead.
    pub(crate) fn offered(&self) -> u64 {
        let losses = &self.0.losses;
        let lost = Reason::OF_THE_QUEUE.map(|(reason, _)| losses.count_lost(reason));
        // A refused item leaves the one count before it enters the other, so the other is read first.
        self.0.admission.pushed() + lost.iter().sum::<u64>()
    }
}

/// The two ends of a queue.
pub(crate) fn queue<T>(bounds: Batching, losses: Arc<Losses>) -> (Queue<T>, Intake<T>) {
    // The channel is unbounded, because a bounded one allocates its bound at the start. The counters are the bound.
    let (sender, receiver) = mpsc::channel();
    let state = Arc::new(State {
        home: Home::here(),
        admission: Admission::new(Bounds {
            items: bounds.queue as u64,
            bytes: bounds.bytes,
            batch: bounds.batch as u64,
        }),
        closed_at: OnceLock::new(),
        reported_late: AtomicBool::new(false),
        wake: Notify::new(),
        losses,
    });
    let queue = Queue {
        sender,
        state: state.clone(),
    };
    let intake = Intake {
        receiver,
        held: None,
        state,
    };
    (queue, intake)
}

impl<T> Queue<T> {
    pub(crate) fn fill(&self) -> Fill {
        Fill(self.state.clone())
    }

    /// Puts in an item of this size and about this time, unless the queue has reached a bound.
    pub(crate) fn push(&self, item: Box<T>, size: usize, now: SystemTime) {
        let state = &*self.state;
        if state.home.is_seen_left(now) {
            state.losses.lost(Reason::AlreadyShutdown, 1);
            return;
        }
        let reason = match state.admission.admit(size) {
            Ok(waiting) => match self.sender.send((item, size)) {
                Ok(()) => {
                    if state.admission.fills_batch(waiting) {
                        state.wake.notify_one();
                    }
                    return;
                }
                // The exporter is gone.
                Err(_) => {
                    state.admission.give_back();
                    Reason::AlreadyShutdown
                }
            },
            Err(Refused::Closed) => Reason::AlreadyShutdown,
            Err(Refused::Items) => Reason::QueueFull,
            Err(Refused::Bytes) => Reason::QueueBytes,
        };
        state.losses.lost(reason, 1);
        if reason == Reason::AlreadyShutdown && state.is_late(Instant::now()) {
            report_late(state.losses.signal());
        }
    }
}

/// Writes from a thread of its own: the exporter has ended, a log line could end up here again, and standard error may
/// block.
fn report_late(signal: &'static str) {
    let report = move || {
        let _ = writeln!(
            std::io::stderr(),
            "{signal} are recorded though telemetry was shut down, and lost: keep what bootstrap returned to the end \
             of main, as `let _telemetry = ..`"
        );
    };
    let _ = thread::Builder::new()
        .name("telemetry-late".to_owned())
        .spawn(report);
}

impl State {
    /// True if this is the first item that comes long after the end.
    #[cold]
    fn is_late(&self, now: Instant) -> bool {
        let since = |end: &Instant| now.duration_since(*end) > ENDING;
        self.closed_at.get().is_some_and(since) && !self.reported_late.swap(true, Ordering::Relaxed)
    }
}

impl<T> Intake<T> {
    /// Waits until there is a full batch.
    pub(crate) async fn full(&mut self) {
        while !self.state.admission.has_batch_or_wakes() {
            self.state.wake.notified().await;
        }
    }

    /// Everything recorded up to now has a number below this.
    pub(crate) fn mark(&mut self) -> u64 {
        self.state.admission.pushed()
    }

    /// True if this many items have been taken.
    pub(crate) fn reached(&self, mark: u64) -> bool {
        self.state.admission.taken() >= mark
    }

    /// The next batch; empty if there is nothing. An item that is too large for a batch is one of its own.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let admission = &self.state.admission;
        let most = admission.waiting().min(admission.bounds().batch);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut items = Vec::with_capacity(most);
        let mut bytes = 0;
        while items.len() < most {
            let held = self.held.take();
            let Some((item, size)) = held.or_else(|| self.receiver.try_recv().ok()) else {
                break;
            };
            if !items.is_empty() && bytes + size > REQUEST_BYTES {
                self.held = Some((item, size));
                break;
            }
            items.push(*item);
            bytes += size;
        }
        admission.took(items.len() as u64, bytes);
        items
    }

    /// From now on nothing is accepted.
    pub(crate) fn close(&mut self) {
        self.state.closed_at.get_or_init(Instant::now);
        self.state.admission.close();
    }

    /// True if nothing is queued and no thread is about to queue something.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.state.admission.waiting() == 0
    }
}

/// The exporter may be gone without having come to its end.
impl<T> Drop for Intake<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("admission", &self.state.admission)
            .finish_non_exhaustive()
    }
}
