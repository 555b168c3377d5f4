//! The protocols of OTLP, one row each.

/// An OTLP transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, by default on port 4317. It needs the feature `grpc`, a default one.
    Grpc,
    /// Protobuf over HTTP, by default on port 4318.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP, by default on port 4318.
    HttpJson,
}

/// The facts about a protocol that settings and reports need, whether or not the program is built with it.
pub(crate) struct Facts {
    /// In OTEL_EXPORTER_OTLP_PROTOCOL.
    pub(crate) name: &'static str,
    pub(crate) default_endpoint: &'static str,
    /// The exporter's part of `otel.component.type`.
    pub(crate) component: &'static str,
    /// The general endpoint is a base to which the path of the signal is added.
    pub(crate) has_paths: bool,
    /// An endpoint may leave out its scheme.
    pub(crate) scheme_is_optional: bool,
    /// Bodies are compressed as a whole; otherwise the client compresses.
    pub(crate) compresses_bodies: bool,
    /// The feature of telemetry-core that it needs, and what does without it.
    pub(crate) feature: Option<(&'static str, &'static str)>,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Grpc, Self::HttpProtobuf, Self::HttpJson];

    /// The one row of a protocol. Its client is a row of the table in `transport/clients.rs`.
    pub(crate) const fn facts(self) -> Facts {
        match self {
            Self::Grpc => Facts {
                name: "grpc",
                default_endpoint: "http://localhost:4317",
                component: "otlp_grpc",
                has_paths: false,
                scheme_is_optional: true,
                compresses_bodies: false,
                feature: Some((
                    "grpc",
                    "http/protobuf, for which collectors have another port, 4318",
                )),
            },
            Self::HttpProtobuf => Facts {
                name: "http/protobuf",
                default_endpoint: "http://localhost:4318",
                component: "otlp_http",
                has_paths: true,
                scheme_is_optional: false,
                compresses_bodies: true,
                feature: None,
            },
            Self::HttpJson => Facts {
                name: "http/json",
                default_endpoint: "http://localhost:4318",
                component: "otlp_http_json",
                has_paths: true,
                scheme_is_optional: false,
                compresses_bodies: true,
                feature: None,
            },
        }
    }

    /// The name in OTEL_EXPORTER_OTLP_PROTOCOL.
    pub(crate) const fn name(self) -> &'static str {
        self.facts().name
    }
}
