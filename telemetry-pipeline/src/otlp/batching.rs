//! How items are gathered before they are sent.

use std::{fs, path::Path, time::Duration};

use crate::settings::Env;

/// Room for 100,000 spans of ten attributes. It is taken only while that many wait.
const QUEUE_BYTES: usize = 128 * 1024 * 1024;

/// The part of a container's memory that a queue may take: without a collector it fills, and the service has to live on.
const PART_OF_MEMORY: usize = 8;

/// The files that hold the memory limit of a container, below the root, by version 2 and 1 of control groups.
const LIMITS: [&str; 2] = [
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/memory/memory.limit_in_bytes",
];

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
            bytes: bytes.unwrap_or_else(|| default_bytes(Path::new("/"))),
            // Without any pause the export thread would never rest.
            delay: env
                .duration(&format!("{prefix}_SCHEDULE_DELAY"))
                .max(Duration::from_millis(1)),
        }
    }
}

/// The bytes of a queue in the container whose files are below this root.
fn default_bytes(root: &Path) -> usize {
    let limit = LIMITS.iter().find_map(|file| {
        let text = fs::read_to_string(root.join(file)).ok()?;
        text.trim().parse::<usize>().ok()
    });
    limit.map_or(QUEUE_BYTES, |limit| QUEUE_BYTES.min(limit / PART_OF_MEMORY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_takes_a_part_of_a_small_container() {
        const MIB: usize = 1024 * 1024;
        for (file, content, expected) in [
            (LIMITS[0], "268435456\n", 32 * MIB),
            (LIMITS[0], "max\n", QUEUE_BYTES),
            (LIMITS[0], "8589934592\n", QUEUE_BYTES),
            (LIMITS[1], "134217728\n", 16 * MIB),
            (LIMITS[1], "9223372036854771712\n", QUEUE_BYTES),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            assert_eq!(default_bytes(root.path()), expected, "{file} {content}");
        }
        let none = tempfile::tempdir().unwrap();
        assert_eq!(default_bytes(none.path()), QUEUE_BYTES);
    }

    #[test]
    fn items_are_a_bound_only_where_a_number_is_set() {
        let bounds = |vars: &[(&str, &str)]| {
            let mut env = Env::of(vars.iter().copied());
            let batching = Batching::resolve("OTEL_BSP", &mut env, None);
            (batching.queue, batching.batch)
        };
        let (queue, batch) = ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
        assert_eq!(bounds(&[]), (usize::MAX, 512));
        assert_eq!(bounds(&[(queue, "100")]), (100, 100));
        assert_eq!(bounds(&[(batch, "100")]), (2048, 100));
        assert_eq!(bounds(&[(queue, "5000"), (batch, "1000")]), (5000, 1000));
    }
}
