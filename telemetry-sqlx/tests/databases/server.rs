//! Finds the server of a test, or notes that its tests are skipped.

use std::{
    io::Write,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

pub(crate) struct Server {
    name: &'static str,
    variable: &'static str,
    skipped: &'static Once,
}

pub(crate) const POSTGRES: Server = Server {
    name: "PostgreSQL",
    variable: "TELEMETRY_TEST_POSTGRES",
    skipped: {
        static SKIPPED: Once = Once::new();
        &SKIPPED
    },
};

pub(crate) const MARIADB: Server = Server {
    name: "MariaDB",
    variable: "TELEMETRY_TEST_MARIADB",
    skipped: {
        static SKIPPED: Once = Once::new();
        &SKIPPED
    },
};

pub(crate) const MYSQL: Server = Server {
    name: "MySQL",
    variable: "TELEMETRY_TEST_MYSQL",
    skipped: {
        static SKIPPED: Once = Once::new();
        &SKIPPED
    },
};

impl Server {
    /// The URL of the server. `None` if there is none, with a note that the test harness does not capture.
    pub(crate) fn url(&self) -> Option<String> {
        let url = std::env::var(self.variable).ok();
        if url.is_none() {
            self.skipped.call_once(|| {
                let note = format!(
                    "\nSKIPPED: all tests on {} (`cargo test -p telemetry-sqlx --test databases`), because {} is not set.\n         \
                     Run them with `.ci/databases cargo test -p telemetry-sqlx`, which brings a server along.\n",
                    self.name, self.variable
                );
                let _ = std::io::stderr().write_all(note.as_bytes());
            });
        }
        url
    }
}

/// Writes to the terminal which tests are skipped.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}.");
}

/// A name that no other test uses, in this process or in an earlier one on the same server.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.unwrap().as_nanos();
    format!("test_{}_{count}_{nanos}", std::process::id())
}
