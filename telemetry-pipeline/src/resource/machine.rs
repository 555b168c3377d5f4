//! The sources of detectors: variables, files below a root, and facts that the process knows of itself.

use std::{
    env, fmt,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use crate::settings::Environment;

/// No file that is read is longer than this where it matters; a mount table may be.
const MAX_FILE: u64 = 1 << 20;

/// The machine and the process on it. Detectors are functions of it.
#[derive(Clone)]
pub(crate) struct Machine {
    root: PathBuf,
    environment: Environment,
    /// The names of `std::env::consts`.
    pub(crate) arch: &'static str,
    pub(crate) os: &'static str,
    pub(crate) pid: u32,
    pub(crate) executable: Option<PathBuf>,
}

impl Machine {
    /// This process and its environment, with the machine's files below `root`.
    pub(crate) fn this(root: PathBuf) -> Self {
        Self {
            root,
            environment: Arc::new(|name| env::var(name).ok()),
            arch: env::consts::ARCH,
            os: env::consts::OS,
            pid: process::id(),
            executable: env::current_exe().ok(),
        }
    }

    /// Reads variables here instead of the environment of the process.
    pub(crate) fn in_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// A variable of the environment, trimmed; `None` if it is unset or empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let text = (self.environment)(name)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The contents of a file, trimmed; `None` if it is empty, missing, unreadable or not text.
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

    /// True if the file or directory exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        fs::exists(self.path(path)).unwrap_or(false)
    }

    /// The number of entries of a directory.
    pub(crate) fn entries(&self, path: &str) -> Option<usize> {
        Some(fs::read_dir(self.path(path)).ok()?.count())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path.trim_start_matches('/')))
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Machine {
    pub(crate) fn with_files(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            environment: Arc::new(|_| None),
            arch: "x86_64",
            os: "linux",
            pid: 42,
            executable: Some(PathBuf::from("/opt/shop/bin/shop")),
        }
    }

    pub(crate) fn with_variables(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: std::collections::HashMap<_, _> = variables.iter().map(owned).collect();
        self.environment = Arc::new(move |name| variables.get(name).cloned());
        self
    }
}
