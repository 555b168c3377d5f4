//! The readiness of the service: registered checks, and the drain before its end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A check that takes longer has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// True once the process has received a signal to stop. A signal concerns the whole process, so it drains every health.
static IS_STOPPING: AtomicBool = AtomicBool::new(false);

/// Makes every health of this process unready, for good.
pub(crate) fn drain_all() {
    IS_STOPPING.store(true, Ordering::Relaxed);
}

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The state that answers `/readyz`: the registered checks, and the drain before the service stops. Clones share it.
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
    is_draining: AtomicBool,
    checks: Mutex<Vec<(String, Check)>>,
    notes: Mutex<Vec<(String, Note)>>,
}

impl Health {
    /// A health that is ready and has no checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a check. The service is ready only if every check passes within 2 seconds.
    ///
    /// The part of the service that knows a dependency can register its check at any time. A check replaces an earlier one
    /// of the same name. Everybody who can request `/readyz` sees its error.
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
        replace(&self.0.checks, name.into(), check);
    }

    /// Registers a note. `/readyz` shows its text after the checks, and it has no effect on readiness.
    ///
    /// Use it for facts that an operator wants to see but a load balancer must not act on, such as the state of the
    /// export of telemetry:
    ///
    /// ```
    /// use std::time::Duration;
    /// use telemetry_axum::{Health, Operations};
    /// use telemetry_pipeline::Config;
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
    /// // Add this check only if the service must not run unobserved. A collector that restarts must not fail it.
    /// health.register("telemetry", move || {
    ///     let delivering = export.delivering(Duration::from_secs(600));
    ///     async move { delivering }
    /// });
    /// let operations = Operations::new().with_health(health);
    /// # let _ = operations;
    /// # Ok(()) }
    /// ```
    ///
    /// A note replaces an earlier one of the same name. Every probe calls it, so it must be quick.
    pub fn inform(
        &self,
        name: impl Into<String>,
        note: impl Fn() -> String + Send + Sync + 'static,
    ) {
        replace(&self.0.notes, name.into(), Arc::new(note) as Note);
    }

    /// The text of all [notes](Self::inform). Each line begins with the name of its note.
    pub(crate) fn notes(&self) -> String {
        // The notes are code of the application, so the lock must not be held while they run.
        let notes = lock(&self.0.notes).clone();
        let mut text = String::new();
        for (name, note) in notes {
            for line in note().lines() {
                text.extend([&name, ": ", line, "\n"]);
            }
        }
        text
    }

    /// Makes the service unready, so that load balancers stop sending requests.
    ///
    /// A signal that [`serve`](crate::serve) or [`Serve`](crate::Serve) waits for does this to every health of the
    /// process. Call it to stop for another reason.
    pub fn drain(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }

    /// Returns true after [`drain`](Self::drain), or if the process has received a signal to stop.
    pub fn is_draining(&self) -> bool {
        IS_STOPPING.load(Ordering::Relaxed) || self.0.is_draining.load(Ordering::Relaxed)
    }

    /// Runs all checks at the same time. It takes at most 2 seconds.
    ///
    /// # Errors
    ///
    /// One line for each reason not to send requests.
    pub async fn ready(&self) -> Result<(), String> {
        if self.is_draining() {
            return Err("draining: the service is about to stop\n".to_owned());
        }
        let checks = lock(&self.0.checks).clone();
        // Each check has its own task: so they run at the same time, and a check that panics only fails.
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

/// Adds an entry, and removes an earlier one of the same name.
fn replace<T>(entries: &Mutex<Vec<(String, T)>>, name: String, entry: T) {
    let mut entries = lock(entries);
    entries.retain(|(known, _)| *known != name);
    entries.push((name, entry));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}
