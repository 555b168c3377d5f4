use crate::model::{Attributes, MetricPoint, Span, SpanKind, attribute};

/// A kind of operation that is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    HttpServer,
    HttpClient,
    RpcServer,
    RpcClient,
    Messaging,
    Database,
    Step,
}

/// An operation of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) family: Family,
    pub(crate) service: String,
    /// The route, statement, destination or name.
    pub(crate) target: String,
    /// The method, database system or kind of message operation; may be empty.
    pub(crate) action: String,
}

impl Family {
    pub(crate) const ALL: [Self; 7] = [
        Self::HttpServer,
        Self::RpcServer,
        Self::Messaging,
        Self::HttpClient,
        Self::RpcClient,
        Self::Database,
        Self::Step,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::HttpServer => "HTTP requests answered",
            Self::HttpClient => "HTTP requests made",
            Self::RpcServer => "RPC calls answered",
            Self::RpcClient => "RPC calls made",
            Self::Messaging => "Messages",
            Self::Database => "Database statements",
            Self::Step => "Steps",
        }
    }

    /// The family of a duration histogram of the semantic conventions, or of a business step.
    fn of_metric(name: &str) -> Option<Self> {
        Some(match name {
            "http.server.request.duration" => Self::HttpServer,
            "http.client.request.duration" => Self::HttpClient,
            "rpc.server.call.duration" | "rpc.server.duration" => Self::RpcServer,
            "rpc.client.call.duration" | "rpc.client.duration" => Self::RpcClient,
            "messaging.process.duration" | "messaging.client.operation.duration" => Self::Messaging,
            "db.client.operation.duration" => Self::Database,
            "step.duration" => Self::Step,
            name if name.ends_with(".step.duration") => Self::Step,
            _ => return None,
        })
    }

    fn of_span(span: &Span) -> Option<Self> {
        let has = |key| span.attribute(key).is_some();
        let rpc = || has("rpc.system") || has("rpc.system.name");
        let database = || has("db.system.name") || has("db.system");
        Some(match span.kind {
            SpanKind::Server if rpc() => Self::RpcServer,
            SpanKind::Server if has("http.request.method") => Self::HttpServer,
            SpanKind::Client if database() => Self::Database,
            SpanKind::Client if has("messaging.system") => Self::Messaging,
            SpanKind::Client if rpc() => Self::RpcClient,
            SpanKind::Client if has("http.request.method") => Self::HttpClient,
            SpanKind::Producer | SpanKind::Consumer => Self::Messaging,
            SpanKind::Internal => Self::Step,
            _ => return None,
        })
    }

    /// The attributes that name the operation: its target, then its action. The first that is there counts.
    fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::HttpServer => (&["http.route"], &["http.request.method"]),
            Self::HttpClient => (
                &["url.template", "server.address"],
                &["http.request.method"],
            ),
            Self::RpcServer | Self::RpcClient => {
                (&["rpc.method"], &["rpc.system.name", "rpc.system"])
            }
            Self::Messaging => (
                &[
                    "messaging.destination.name",
                    "messaging.destination.template",
                ],
                &["messaging.operation.name", "messaging.operation.type"],
            ),
            Self::Database => (
                &[
                    "db.query.summary",
                    "db.stored_procedure.name",
                    "db.operation.name",
                ],
                &["db.system.name", "db.system"],
            ),
            Self::Step => (&[], &[]),
        }
    }
}

impl Key {
    pub(crate) fn of_span(span: &Span) -> Option<Self> {
        let family = Family::of_span(span)?;
        let (targets, actions) = family.keys();
        let target = match family {
            Family::Step => match step(&span.attributes) {
                name if name.is_empty() => span.name.clone(),
                name => name,
            },
            Family::Database => match first(&span.attributes, targets) {
                name if name.is_empty() => span.name.clone(),
                name => name,
            },
            _ => first(&span.attributes, targets),
        };
        Some(Self {
            family,
            service: span.service.clone(),
            target,
            action: first(&span.attributes, actions),
        })
    }

    pub(crate) fn of_point(point: &MetricPoint) -> Option<Self> {
        let family = Family::of_metric(&point.name)?;
        let (targets, actions) = family.keys();
        let target = match family {
            Family::Step => step(&point.attributes),
            _ => first(&point.attributes, targets),
        };
        Some(Self {
            family,
            service: point.service.clone(),
            target,
            action: first(&point.attributes, actions),
        })
    }
}

/// Flow and stage of a business step, which are attributes of the application's own namespace: `retail.stage`.
fn step(attributes: &Attributes) -> String {
    let named = |name: &str| {
        let is_it =
            |key: &str| key == name || key.strip_suffix(name).is_some_and(|it| it.ends_with('.'));
        let found = attributes.iter().find(|(key, _)| is_it(key));
        found.map(|(_, value)| value.to_string())
    };
    let parts = [named("flow"), named("stage")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" / ")
}

fn first(attributes: &Attributes, keys: &[&str]) -> String {
    keys.iter()
        .find_map(|key| attribute(attributes, key))
        .map_or_else(String::new, ToString::to_string)
}
