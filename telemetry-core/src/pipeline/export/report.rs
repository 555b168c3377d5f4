//! Says once that a collector is not reached, and once that it is again; reminds with back-off.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const FIRST_REMINDER: Duration = Duration::from_secs(60);
const LAST_REMINDER: Duration = Duration::from_secs(3600);

/// Shared by all signals, so that three signals to one dead collector are one line.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    failing: Mutex<HashMap<String, Failing>>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    next_reminder: Instant,
    pause: Duration,
}

impl Reporter {
    pub(super) fn failed(&self, origin: &str, reason: &str) {
        let now = Instant::now();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.get_mut(origin) {
            None => {
                let next_reminder = now + FIRST_REMINDER;
                failing.insert(
                    origin.to_owned(),
                    Failing {
                        since: now,
                        next_reminder,
                        pause: FIRST_REMINDER,
                    },
                );
                drop(failing);
                tracing::warn!(
                    target: "telemetry",
                    endpoint = origin,
                    reason,
                    "telemetry does not reach its collector; requests are served as usual. Start a collector there or \
                     set OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and \
                     OTEL_LOGS_EXPORTER to none"
                );
            }
            Some(state) if now >= state.next_reminder => {
                state.pause = (state.pause * 2).min(LAST_REMINDER);
                state.next_reminder = now + state.pause;
                let seconds = state.since.elapsed().as_secs();
                drop(failing);
                tracing::warn!(target: "telemetry", endpoint = origin, reason, seconds, "telemetry still does not reach its collector");
            }
            Some(_) => {}
        }
    }

    pub(super) fn succeeded(&self, origin: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = failing.remove(origin) {
            drop(failing);
            let seconds = state.since.elapsed().as_secs();
            tracing::info!(target: "telemetry", endpoint = origin, seconds, "telemetry reaches its collector again");
        }
    }
}
