//! The recorded files: compared, or written anew.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use similar::TextDiff;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/recorded");
const RECORD: &str = "TELEMETRY_RECORD";

/// All texts of a run, and the differences found so far.
pub(crate) struct Recording {
    directory: PathBuf,
    record: bool,
    differences: String,
}

impl Recording {
    /// Of the files in this directory below that of all recorded files.
    pub(crate) fn new(directory: &str) -> Self {
        Self {
            directory: [DIRECTORY, directory].iter().collect(),
            record: env::var(RECORD).is_ok_and(|value| value == "1"),
            differences: String::new(),
        }
    }

    /// Compares the text with the recorded file, or writes it there.
    pub(crate) fn add(&mut self, file: &str, text: &str) {
        let path = self.directory.join(file);
        if self.record {
            fs::create_dir_all(&self.directory).unwrap();
            fs::write(path, text).unwrap();
            return;
        }
        // A missing file is a difference in every line.
        let recorded = fs::read_to_string(path).unwrap_or_default();
        if recorded != text {
            let diff = TextDiff::from_lines(recorded.as_str(), text);
            let unified = diff
                .unified_diff()
                .context_radius(5)
                .header(&format!("recorded/{file}"), &format!("now/{file}"))
                .to_string();
            writeln!(self.differences, "{unified}").unwrap();
        }
    }

    /// Fails with a unified diff of all files that differ.
    pub(crate) fn finish(self) {
        assert!(
            self.differences.is_empty(),
            "The output differs from tests/recorded/. If that is intended, record it with {RECORD}=1.\n\n{}",
            self.differences
        );
    }
}
