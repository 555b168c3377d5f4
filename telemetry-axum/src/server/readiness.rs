//! Whether the service may get requests: registered checks, and the drain at its end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A check that takes longer than this has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the process was told to end. A signal is everybody's, so every health drains with it.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on nothing in this process is ready.
pub(crate) fn drain_all() {
    ENDING.store(true, Ordering::Relaxed);
}

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// What `/readyz` answers: the registered checks, and whether the service is draining. Clones share one state.
///
/// ```
/// use telemetry_axum::{Health, Operations, Serve};
///
/// let health = Health::new();
/// health.register("database", || async { Ok::<_, std::io::Error>(()) });
/// let operations = Operations::new().with_health(health.clone());
/// let serve = Serve::new().with_health(health); // unready before it stops, whatever the reason
/// # let _ = (operations, serve);
/// ```
#[derive(Clone, Default)]
pub struct Health(Arc<State>);

type Note = Arc<dyn Fn() -> String + Send + Sync>;

#[derive(Default)]
struct State {
    draining: AtomicBool,
    checks: Mutex<Vec<(String, Check)>>,
    notes: Mutex<Vec<(String, Note)>>,
}

impl Health {
    /// Ready, and without checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The service is ready only if this check passes within 2 seconds. Checks may be registered at any time, by the
    /// part of the service that knows what it depends on; a later one of the same name replaces the earlier. Its error
    /// is shown to whoever asks `/readyz`.
    pub fn register<F, E>(
        &self,
        name: impl Into<String>,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let check: Check = Arc::new(move || {
            let result = check();
            Box::pin(async move { result.await.map_err(|error| error.to_string()) })
        });
        let name = name.into();
        let mut checks = self.0.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|(known, _)| *known != name);
        checks.push((name, check));
    }

    /// Shows this at `/readyz`, whether the service is ready or not: it decides nothing. For what an operator wants to
    /// see and a load balancer must not act on, such as how the export of telemetry goes:
    ///
    /// ```
    /// use std::time::Duration;
    /// use telemetry_axum::{Health, Operations};
    /// use telemetry_core::Config;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let config = Config::new("shop").with_environment([("OTEL_TRACES_EXPORTER", "none")]);
    /// let telemetry = config.build()?;
    /// let export = telemetry.health();
    /// let health = Health::new();
    /// health.inform("telemetry", {
    ///     let export = export.clone();
    ///     move || export.to_string()
    /// });
    /// // Only if this service must not run unobserved, and not for a collector that merely restarts:
    /// health.register("telemetry", move || {
    ///     let delivering = export.delivering(Duration::from_secs(600));
    ///     async move { delivering }
    /// });
    /// let operations = Operations::new().with_health(health);
    /// # let _ = operations;
    /// # Ok(()) }
    /// ```
    ///
    /// A later one of the same name replaces the earlier. It is asked by every probe, so it must be quick.
    pub fn inform(
        &self,
        name: impl Into<String>,
        note: impl Fn() -> String + Send + Sync + 'static,
    ) {
        let name = name.into();
        let mut notes = self.0.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|(known, _)| *known != name);
        notes.push((name, Arc::new(note)));
    }

    /// What was [informed](Self::inform) about: each line after the name of its note.
    pub(crate) fn notes(&self) -> String {
        // The lock is not held while others' code runs.
        let notes = self
            .0
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut text = String::new();
        for (name, note) in notes {
            for line in note().lines() {
                text.extend([&name, ": ", line, "\n"]);
            }
        }
        text
    }

    /// From now on the service is not ready, so that load balancers stop sending. A signal does this to every health
    /// of the process, if [`serve`](crate::serve) or [`Serve`](crate::Serve) waits for it; call it for other reasons
    /// to stop.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether [`drain`](Self::drain) was called or the process is ending.
    pub fn is_draining(&self) -> bool {
        ENDING.load(Ordering::Relaxed) || self.0.draining.load(Ordering::Relaxed)
    }

    /// Runs the checks, all at once.
    ///
    /// # Errors
    ///
    /// One line for each reason not to send requests.
    pub async fn ready(&self) -> Result<(), String> {
        if self.is_draining() {
            return Err("draining: the service is about to stop\n".to_owned());
        }
        let checks = self
            .0
            .checks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Each has a task of its own: together they take as long as the slowest, and one that panics only fails.
        let running: Vec<_> = checks
            .into_iter()
            .map(|(name, check)| {
                let check = async move { tokio::time::timeout(CHECK_TIMEOUT, check()).await };
                (name, tokio::spawn(check))
            })
            .collect();
        let mut failures = String::new();
        for (name, check) in running {
            let failure = match check.await {
                Ok(Ok(Ok(()))) => continue,
                Ok(Ok(Err(error))) => error,
                Ok(Err(_)) => format!("no answer within {CHECK_TIMEOUT:?}"),
                Err(_) => "the check itself failed".to_owned(),
            };
            failures.extend([&name, ": ", &failure, "\n"]);
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures)
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}
