//! What detectors look at beside the environment: files below a root, and what the process knows of itself.

use std::{
    env,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process,
};

/// No file that is read is longer than this where it matters; a mount table may be.
const MAX_FILE: u64 = 1 << 20;

/// The machine and the process on it. Detectors are functions of it and of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    root: PathBuf,
    /// As `std::env::consts` has them.
    pub(crate) arch: &'static str,
    pub(crate) os: &'static str,
    pub(crate) pid: u32,
    pub(crate) executable: Option<PathBuf>,
}

impl Machine {
    /// This process, with the machine's files below `root`.
    pub(crate) fn this(root: PathBuf) -> Self {
        Self {
            root,
            arch: env::consts::ARCH,
            os: env::consts::OS,
            pid: process::id(),
            executable: env::current_exe().ok(),
        }
    }

    /// The contents of a file, trimmed; `None` for what is empty, missing, unreadable or not text.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        let text = String::from_utf8(self.bytes(path)?).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A file of the process in `/proc`. The kernel cuts the name in it after 15 bytes, amidst a letter if need be.
    pub(crate) fn of_process(&self, file: &str) -> Option<String> {
        let bytes = self.bytes(&format!("/proc/self/{file}"))?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.path(path)).ok()?;
        file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether there is such a file or directory.
    pub(crate) fn has(&self, path: &str) -> bool {
        fs::exists(self.path(path)).unwrap_or(false)
    }

    /// How many entries a directory has.
    pub(crate) fn entries(&self, path: &str) -> Option<usize> {
        Some(fs::read_dir(self.path(path)).ok()?.count())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path.trim_start_matches('/')))
    }
}

#[cfg(test)]
impl Machine {
    pub(crate) fn with_files(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            arch: "x86_64",
            os: "linux",
            pid: 42,
            executable: Some(PathBuf::from("/opt/shop/bin/shop")),
        }
    }
}
