//! The bounds of a batch and of its queue.

use std::{fs, path::Path, time::Duration};

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
pub(crate) const QUEUE_ITEMS: usize = 2048;

/// The bounds of a queue and of the batches that leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    /// The most items that may wait; `usize::MAX` if only their size is bounded.
    pub(crate) queue: usize,
    /// The most items of a batch.
    pub(crate) batch: usize,
    /// The longest wait of an item for others.
    pub(crate) delay: Duration,
    /// The most memory that queued items may hold, about.
    pub(crate) bytes: usize,
}

/// The bytes of a queue in the container whose files are below this root.
pub(crate) fn default_bytes(root: &Path) -> usize {
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
}
