//! The three signals of OTLP, with their names in settings, paths and reports.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// The names of one signal.
struct Names {
    /// Of OTLP over HTTP, below the base URL.
    path: &'static str,
    /// Its items, in reports.
    items: &'static str,
    /// Its items, in `otel.component.type`.
    component: &'static str,
}

impl Signal {
    /// The one row of a signal.
    const fn names(self) -> Names {
        match self {
            Self::Traces => Names {
                path: "v1/traces",
                items: "spans",
                component: "span",
            },
            Self::Metrics => Names {
                path: "v1/metrics",
                items: "metric points",
                component: "metric",
            },
            Self::Logs => Names {
                path: "v1/logs",
                items: "log records",
                component: "log",
            },
        }
    }

    /// The path below a base URL of OTLP over HTTP, without a slash before it.
    pub(crate) const fn path(self) -> &'static str {
        self.names().path
    }

    /// The name of this signal's items in reports.
    pub(crate) const fn items(self) -> &'static str {
        self.names().items
    }

    /// `otel.component.type` of this signal's exporter, for the exporter's part of it such as `otlp_grpc`.
    pub(crate) fn component(self, exporter: &str) -> String {
        format!("{exporter}_{}_exporter", self.names().component)
    }
}
