//! The identity of a service in code.

/// The name, namespace and version of the service. Settings may replace each.
#[derive(Clone, Debug)]
#[must_use]
pub struct Service {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) version: Option<String>,
}

impl Service {
    /// A service of this name. OTEL_SERVICE_NAME, if set, replaces it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            version: None,
        }
    }

    /// `service.namespace`: the system the service belongs to, and the prefix of its business attributes.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// `service.version`, usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}

impl From<&str> for Service {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
