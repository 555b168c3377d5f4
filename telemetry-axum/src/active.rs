//! How many requests are being served.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use telemetry_core::metrics::{ActiveCount, ActiveGuard};

const METHODS: [&str; 10] = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "_OTHER",
];
const SCHEMES: [&str; 2] = ["http", "https"];

type Cells = [Cell; SCHEMES.len()];

/// How many requests are being served, by method and scheme: a table, so no caller can make it grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActiveRequests(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    common: [Cells; METHODS.len()],
    /// The methods that are known by configuration only.
    configured: Mutex<Vec<(&'static str, Arc<Cells>)>>,
}

#[derive(Debug, Default)]
struct Cell {
    count: ActiveCount,
    /// Series that never counted anything are not reported.
    used: AtomicBool,
}

impl Cell {
    fn enter(&self) -> ActiveGuard {
        self.used.store(true, Ordering::Relaxed);
        self.count.enter()
    }
}

impl ActiveRequests {
    /// `method` is a known one or `_OTHER`.
    pub(crate) fn enter(&self, method: &'static str, scheme: &'static str) -> ActiveGuard {
        let scheme = usize::from(scheme == "https");
        match METHODS.iter().position(|common| *common == method) {
            Some(method) => self.0.common[method][scheme].enter(),
            None => self.configured(method)[scheme].enter(),
        }
    }

    fn configured(&self, method: &'static str) -> Arc<Cells> {
        let mut configured = self
            .0
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cells)) = configured.iter().find(|(known, _)| *known == method) {
            return cells.clone();
        }
        let cells = Arc::<Cells>::default();
        configured.push((method, cells.clone()));
        cells
    }

    pub(crate) fn each(&self, mut report: impl FnMut(&'static str, &'static str, i64)) {
        let mut row = |method, cells: &Cells| {
            for (cell, scheme) in cells.iter().zip(SCHEMES) {
                if cell.used.load(Ordering::Relaxed) {
                    report(method, scheme, cell.count.get());
                }
            }
        };
        for (cells, method) in self.0.common.iter().zip(METHODS) {
            row(method, cells);
        }
        let configured = self
            .0
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (method, cells) in configured.iter() {
            row(method, cells);
        }
    }
}
