//! The bounded queue between the threads that record and the one that exports.

use std::{
    io::Write as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    batching::Batching,
    losses::{Losses, Reason},
};

/// No batch grows far beyond this, since collectors refuse a request of more than 4 MiB.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Whoever still records so long after shutdown is not about to end: the handle was dropped too early.
const ENDING: Duration = Duration::from_secs(10);

/// The recording side: lock-free, never waits, and counts what it must drop.
pub(crate) struct Queue<T> {
    // Boxed, since the channel clears room for 31 items at a time, which costs a span more than its allocation does.
    sender: mpsc::Sender<(Box<T>, usize)>,
    state: Arc<State>,
}

/// The exporting side.
pub(crate) struct Intake<T> {
    receiver: mpsc::Receiver<(Box<T>, usize)>,
    state: Arc<State>,
}

struct State {
    /// Never less than what was put into the channel; what is refused is taken back.
    pushed: AtomicU64,
    taken: AtomicU64,
    bytes: AtomicUsize,
    closed: AtomicBool,
    closed_at: OnceLock<Instant>,
    /// Whether it was said that items come long after the end.
    said_late: AtomicBool,
    /// Whether the exporter knows that a batch is full, so that one push of many wakes it.
    woken: AtomicBool,
    wake: Notify,
    bounds: Batching,
    losses: Arc<Losses>,
}

/// How full a queue is, and what came to it.
#[derive(Clone)]
pub(crate) struct Fill(Arc<State>);

impl Fill {
    pub(crate) fn length(&self) -> u64 {
        self.0.length()
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.0.bounds.queue as u64
    }

    /// How many items were put in or refused. While threads put items in it may lag behind, never run ahead.
    pub(crate) fn offered(&self) -> u64 {
        let losses = &self.0.losses;
        let lost = Reason::OF_THE_QUEUE.map(|(reason, _)| losses.count_lost(reason));
        // A refused item leaves the one count before it enters the other, so the other is read first.
        self.0.pushed.load(Ordering::SeqCst) + lost.iter().sum::<u64>()
    }
}

/// The two ends of a queue.
pub(crate) fn queue<T>(bounds: Batching, losses: Arc<Losses>) -> (Queue<T>, Intake<T>) {
    // The channel is unbounded, because a bounded one allocates its bound at the start. The counters are the bound.
    let (sender, receiver) = mpsc::channel();
    let state = Arc::new(State {
        pushed: AtomicU64::new(0),
        taken: AtomicU64::new(0),
        bytes: AtomicUsize::new(0),
        closed: AtomicBool::new(false),
        closed_at: OnceLock::new(),
        said_late: AtomicBool::new(false),
        woken: AtomicBool::new(false),
        wake: Notify::new(),
        bounds,
        losses,
    });
    let queue = Queue {
        sender,
        state: state.clone(),
    };
    (queue, Intake { receiver, state })
}

impl<T> Queue<T> {
    pub(crate) fn fill(&self) -> Fill {
        Fill(self.state.clone())
    }

    /// Puts in an item of this size, unless the queue has reached a bound.
    pub(crate) fn push(&self, item: Box<T>, size: usize) {
        let state = &*self.state;
        let refused = match state.admit(size) {
            Ok(length) => match self.sender.send((item, size)) {
                Ok(()) => return state.wake_for(length),
                // The exporter is gone.
                Err(_) => Reason::AlreadyShutdown,
            },
            Err(reason) => reason,
        };
        state.pushed.fetch_sub(1, Ordering::SeqCst);
        state.losses.lost(refused, 1);
        if refused == Reason::AlreadyShutdown && state.is_late(Instant::now()) {
            say_late(state.losses.signal());
        }
    }
}

/// There is no exporter left to report to, to log from here could end up here, and standard error may block.
fn say_late(signal: &'static str) {
    let say = move || {
        let _ = writeln!(
            std::io::stderr(),
            "{signal} are recorded though telemetry was shut down, and lost: keep what bootstrap returned to the end \
             of main, as `let _telemetry = ..`"
        );
    };
    let _ = thread::Builder::new()
        .name("telemetry-late".to_owned())
        .spawn(say);
}

impl State {
    fn length(&self) -> u64 {
        let taken = self.taken.load(Ordering::Relaxed);
        self.pushed.load(Ordering::SeqCst).saturating_sub(taken)
    }

    /// Counts an item and returns how many there are with it.
    fn admit(&self, size: usize) -> Result<u64, Reason> {
        // Counted before the look at `closed`, as the exporter closes before it looks at the count: it sees this item
        // and waits for it, or this thread sees that the queue is closed.
        let pushed = self.pushed.fetch_add(1, Ordering::SeqCst);
        let length = pushed.saturating_sub(self.taken.load(Ordering::Relaxed));
        if self.closed.load(Ordering::SeqCst) {
            return Err(Reason::AlreadyShutdown);
        }
        if length >= self.bounds.queue as u64 {
            return Err(Reason::QueueFull);
        }
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
        if bytes.saturating_add(size) > self.bounds.bytes {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(Reason::QueueBytes);
        }
        Ok(length + 1)
    }

    /// Whether this is the first item that comes long after the end.
    #[cold]
    fn is_late(&self, now: Instant) -> bool {
        let since = |end: &Instant| now.duration_since(*end) > ENDING;
        self.closed_at.get().is_some_and(since) && !self.said_late.swap(true, Ordering::Relaxed)
    }

    fn wake_for(&self, length: u64) {
        if length >= self.bounds.batch as u64
            && !self.woken.load(Ordering::SeqCst)
            && !self.woken.swap(true, Ordering::SeqCst)
        {
            self.wake.notify_one();
        }
    }
}

impl<T> Intake<T> {
    /// Waits until there is a full batch.
    pub(crate) async fn full(&mut self) {
        while !self.has_full_batch() {
            self.state.woken.store(false, Ordering::SeqCst);
            // A batch may have become full between the two looks.
            if self.has_full_batch() {
                return;
            }
            self.state.wake.notified().await;
        }
    }

    pub(crate) fn has_full_batch(&mut self) -> bool {
        self.length() >= self.state.bounds.batch as u64
    }

    /// Everything recorded up to now has a number below this.
    pub(crate) fn mark(&mut self) -> u64 {
        self.state.pushed.load(Ordering::SeqCst)
    }

    /// Whether this many items have been taken.
    pub(crate) fn reached(&self, mark: u64) -> bool {
        self.state.taken.load(Ordering::Relaxed) >= mark
    }

    /// The next batch; empty if there is nothing.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let count = self.length().min(self.state.bounds.batch as u64);
        let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        let mut bytes = 0;
        while items.len() < self.state.bounds.batch && bytes < BATCH_BYTES {
            let Ok((item, size)) = self.receiver.try_recv() else {
                break;
            };
            items.push(*item);
            bytes += size;
        }
        self.state.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.state
            .taken
            .fetch_add(items.len() as u64, Ordering::Relaxed);
        items
    }

    /// From now on nothing is accepted.
    pub(crate) fn close(&mut self) {
        self.state.closed_at.get_or_init(Instant::now);
        self.state.closed.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is queued and no thread is about to queue something.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.length() == 0
    }

    fn length(&self) -> u64 {
        self.state.length()
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
            .field("bounds", &self.state.bounds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_long_after_the_end_is_said_once() {
        let bounds = Batching {
            queue: 8,
            batch: 4,
            bytes: 1024,
            delay: Duration::from_secs(1),
        };
        let (queue, intake) = queue::<u8>(bounds, Arc::new(Losses::new("spans")));
        let state = queue.state.clone();
        let late = Instant::now() + ENDING + Duration::from_secs(1);
        assert!(!state.is_late(late));
        drop(intake);
        assert!(!state.is_late(Instant::now()));
        let late = late + Duration::from_secs(1);
        assert!(state.is_late(late) && !state.is_late(late));
    }
}
