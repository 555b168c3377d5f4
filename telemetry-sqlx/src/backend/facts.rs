//! Facts about a database that are known without asking it.

use std::sync::Arc;

use opentelemetry::KeyValue;
use telemetry_semconv::db::{Target, attribute};

/// Facts about the database of one pool, which all spans and metrics of the pool have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// `db.system.name`.
    pub system: &'static str,
    /// `db.namespace`.
    pub namespace: Option<Arc<str>>,
    /// `server.address`. `None` for a database inside the process.
    pub server_address: Option<Arc<str>>,
    /// `server.port`. `None` if it is the default port of the product.
    pub server_port: Option<u16>,
}

impl Facts {
    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        let namespace = self.namespace.clone();
        let address = self.server_address.clone();
        let port = self.server_port.map(i64::from);
        let mut all = vec![KeyValue::new(attribute::DB_SYSTEM_NAME, self.system)];
        all.extend(namespace.map(|namespace| KeyValue::new(attribute::DB_NAMESPACE, namespace)));
        all.extend(address.map(|address| KeyValue::new(attribute::SERVER_ADDRESS, address)));
        all.extend(port.map(|port| KeyValue::new(attribute::SERVER_PORT, port)));
        all
    }

    /// The default of `db.client.connection.pool.name`. The semantic conventions compose it as
    /// `server.address:server.port/db.namespace`.
    pub(crate) fn pool_name(&self) -> String {
        let address = self.server_address.as_deref().unwrap_or_default();
        let server = match self.server_port {
            Some(port) => format!("{address}:{port}"),
            None => address.to_owned(),
        };
        match (&self.namespace, server.is_empty()) {
            (Some(namespace), true) => namespace.to_string(),
            (Some(namespace), false) => format!("{server}/{namespace}"),
            (None, true) => self.system.to_owned(),
            (None, false) => server,
        }
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            collection: None,
            namespace: self.namespace.as_deref(),
            server_address: self.server_address.as_deref(),
            server_port: self.server_port,
        }
    }
}
