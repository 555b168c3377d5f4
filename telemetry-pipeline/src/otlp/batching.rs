//! How items are gathered before they are sent.

use std::time::Duration;

use crate::settings::Env;

/// Room for 100,000 spans of ten attributes. It is taken only while that many wait.
pub(crate) const QUEUE_BYTES: usize = 128 * 1024 * 1024;

/// The specification's default bound of a queue, where a bound of items is asked for.
const QUEUE_ITEMS: usize = 2048;

/// The bounds of a queue and of the batches that leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    /// The most items that may wait; `usize::MAX` if only their size is bounded.
    pub(crate) queue: usize,
    /// The most items of a batch.
    pub(crate) batch: usize,
    /// How long an item waits for company.
    pub(crate) delay: Duration,
    /// The most memory that queued items may hold, about.
    pub(crate) bytes: usize,
}

impl Batching {
    /// Reads the settings of a processor, such as those of `OTEL_BSP`.
    ///
    /// A queue is bounded by its bytes. The number of items is a bound only for who sets it, or the size of a batch.
    pub(crate) fn resolve(prefix: &str, env: &mut Env, bytes: Option<usize>) -> Self {
        let size = format!("{prefix}_MAX_EXPORT_BATCH_SIZE");
        let length = format!("{prefix}_MAX_QUEUE_SIZE");
        let batch = env.number(&size).unwrap_or(512);
        let is_counted = env.set(&size).is_some() || env.set(&length).is_some();
        let queue = if is_counted {
            env.number(&length).unwrap_or(QUEUE_ITEMS)
        } else {
            usize::MAX
        };
        if batch > queue {
            // The default yields to a smaller queue without a word.
            match env.set(&size) {
                Some(_) => env.warn(
                    &size,
                    &batch.to_string(),
                    format_args!("{queue}; it cannot be more than the queue holds"),
                ),
                None => env.use_instead(&size, queue.to_string()),
            }
        }
        Self {
            queue,
            batch: batch.min(queue),
            bytes: bytes.unwrap_or(QUEUE_BYTES),
            // Without any pause the export thread would never rest.
            delay: env
                .duration(&format!("{prefix}_SCHEDULE_DELAY"))
                .max(Duration::from_millis(1)),
        }
    }
}
